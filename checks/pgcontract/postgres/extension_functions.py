"""Which functions common extensions bring, by their bare names. The server's words name a function that is not there; who
reads them says which extension has it. PostGIS and dblink are told by how their names begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FUNCTIONS: Final[Mapping[str, frozenset[str]]] = {
    extension: frozenset(names.split())
    for extension, names in {
        "fuzzystrmatch": """
            daitch_mokotoff difference dmetaphone dmetaphone_alt levenshtein levenshtein_less_equal metaphone soundex
        """,
        "http": "http http_delete http_get http_head http_header http_patch http_post http_put http_set_curlopt",
        "pg_trgm": "set_limit show_limit show_trgm similarity strict_word_similarity word_similarity",
        "pgcrypto": """
            armor crypt dearmor decrypt decrypt_iv digest encrypt encrypt_iv gen_random_bytes gen_salt hmac pgp_key_id
            pgp_pub_decrypt pgp_pub_decrypt_bytea pgp_pub_encrypt pgp_pub_encrypt_bytea pgp_sym_decrypt
            pgp_sym_decrypt_bytea pgp_sym_encrypt pgp_sym_encrypt_bytea
        """,
        "tablefunc": "connectby crosstab crosstab2 crosstab3 crosstab4 crosstabn normal_rand",
        "unaccent": "unaccent unaccent_init unaccent_lexize",
        "uuid-ossp": """
            uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 uuid_nil uuid_ns_dns
            uuid_ns_oid uuid_ns_url uuid_ns_x500
        """,
    }.items()
}
EXTENSION_OF: Final[Mapping[str, str]] = {name: extension for extension, names in FUNCTIONS.items() for name in names}
