"""What the chain made, run at its head: functions, triggers and views, over rows, in a clone that is dropped."""
