"""What the roles of the platform's public interface can do, tried over rows of two users."""
