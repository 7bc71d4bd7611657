"""One-token edits of migration 020's three constraints, written by hand and then left alone.

CHANGING alters which values the constraint accepts, so a good suite notices every one. SAME reads differently and
accepts the same values: whoever reports one of these has invented a difference.

Each is (name, original expression, edited expression).
"""

from __future__ import annotations

EMAIL = r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"
NAME = "length(trim(first_name)) > 0"
FORM = "jsonb_typeof(form_data) = 'object'"

Edit = tuple[str, str, str]

CHANGING: tuple[Edit, ...] = (
    # Anchors: without one, anything may stand at that end.
    ("email: start anchor dropped", EMAIL, r"email ~ '[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: end anchor dropped", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}'"),
    ("email: end anchor allows a line feed", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}\n?$'"),
    ("email: anchors at every line", EMAIL, r"email ~ '(?n)^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: end of word instead of text", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}\M'"),
    # The local part: each mark in its set, the ends of its ranges, how often.
    ("email: % dropped", EMAIL, r"email ~ '^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: + dropped from the set", EMAIL, r"email ~ '^[A-Za-z0-9._%-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: hyphen dropped", EMAIL, r"email ~ '^[A-Za-z0-9._%+]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: underscore dropped", EMAIL, r"email ~ '^[A-Za-z0-9.%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: dot dropped from the local part", EMAIL, r"email ~ '^[A-Za-z0-9_%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: apostrophe admitted", EMAIL, r"email ~ '^[A-Za-z0-9._%+''-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: blank admitted", EMAIL, r"email ~ '^[A-Za-z0-9._%+ -]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: hyphen makes a range of + to .", EMAIL, r"email ~ '^[A-Za-z0-9_%+-.]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: range A-z takes in six marks", EMAIL, r"email ~ '^[A-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: digits end at 8", EMAIL, r"email ~ '^[A-Za-z0-8._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: digits begin at 1", EMAIL, r"email ~ '^[A-Za-z1-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: capitals end at Y", EMAIL, r"email ~ '^[A-Ya-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: small letters begin at b", EMAIL, r"email ~ '^[A-Zb-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: capitals dropped", EMAIL, r"email ~ '^[a-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: local part negated", EMAIL, r"email ~ '^[^A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: local part may be empty", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]*@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: local part of one", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: local part of two or more", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]{2,}@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: local part of 64 at most", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    # The @.
    ("email: @ may be missing", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@?[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: @ may repeat", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@+[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: any character for the @", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+.[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    # The domain.
    ("email: dot dropped from the domain", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Z|a-z]{2,}$'"),
    ("email: hyphen dropped from the domain", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.]+\.[A-Z|a-z]{2,}$'"),
    ("email: underscore in the domain", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9_.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: domain may be empty", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]*\.[A-Z|a-z]{2,}$'"),
    ("email: digits dropped from the domain", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: domain of 63 at most", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]{1,63}\.[A-Z|a-z]{2,}$'"),
    # The dot before the top level.
    ("email: dot unescaped", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+.[A-Z|a-z]{2,}$'"),
    ("email: dot may be missing", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.?[A-Z|a-z]{2,}$'"),
    # The top level.
    ("email: bar dropped from the set", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'"),
    ("email: top level of 2 or 3", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,3}$'"),
    ("email: top level of 3 or more", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{3,}$'"),
    ("email: top level of 1 or more", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{1,}$'"),
    ("email: top level of exactly 2", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2}$'"),
    ("email: top level of 63 at most", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,63}$'"),
    ("email: top level of 255 at most", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,255}$'"),
    ("email: digits in the top level", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z0-9]{2,}$'"),
    ("email: hyphen in the top level", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z-]{2,}$'"),
    ("email: small letters dropped from it", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|]{2,}$'"),
    ("email: letters by class", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[[:alpha:]|]{2,}$'"),
    # The operator around the pattern.
    ("email: operator negated", EMAIL, r"email !~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: operator LIKE", EMAIL, r"email LIKE '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: operator SIMILAR TO", EMAIL, r"email SIMILAR TO '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: blanks trimmed first", EMAIL, r"trim(email) ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    # The name: which texts trim to nothing, and where the limit is.
    ("name: zero allowed", NAME, "length(trim(first_name)) >= 0"),
    ("name: two at least", NAME, "length(trim(first_name)) > 1"),
    ("name: nothing alone", NAME, "length(trim(first_name)) < 0"),
    ("name: empty alone", NAME, "length(trim(first_name)) = 0"),
    ("name: one alone", NAME, "length(trim(first_name)) = 1"),
    ("name: not trimmed", NAME, "length(first_name) > 0"),
    ("name: another character trimmed", NAME, "length(btrim(first_name, 'a')) > 0"),
    ("name: tabs trimmed as well", NAME, r"length(btrim(first_name, E' \t')) > 0"),
    ("name: no-break spaces trimmed as well", NAME, r"length(btrim(first_name, U&' \00A0')) > 0"),
    ("name: every space of the locale replaced", NAME, r"length(regexp_replace(first_name, '\s', '', 'g')) > 0"),
    ("name: upper limit", NAME, "length(trim(first_name)) BETWEEN 1 AND 99"),
    ("name: bytes above one", NAME, "octet_length(trim(first_name)) > 1"),
    # The form: which kinds of JSON.
    ("form: array instead", FORM, "jsonb_typeof(form_data) = 'array'"),
    ("form: not an object", FORM, "jsonb_typeof(form_data) <> 'object'"),
    ("form: arrays as well", FORM, "jsonb_typeof(form_data) IN ('object', 'array')"),
    ("form: strings as well", FORM, "jsonb_typeof(form_data) IN ('object', 'string')"),
    ("form: null as well", FORM, "jsonb_typeof(form_data) IN ('object', 'null')"),
    ("form: anything but null", FORM, "jsonb_typeof(form_data) <> 'null'"),
    ("form: kinds from object on", FORM, "jsonb_typeof(form_data) >= 'object'"),
    ("form: kinds up to object", FORM, "jsonb_typeof(form_data) <= 'object'"),
    ("form: kinds that hold other values", FORM, "jsonb_typeof(form_data) ~ '^(object|array)$'"),
    ("form: kind misspelt", FORM, "jsonb_typeof(form_data) = 'Object'"),
    ("form: not the empty object", FORM, "jsonb_typeof(form_data) = 'object' AND form_data <> '{}'"),
    ("form: a key demanded", FORM, "jsonb_typeof(form_data -> 'age') = 'number'"),
)

SAME: tuple[Edit, ...] = (
    ("email: end anchor spelled \\Z", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}\Z'"),
    ("email: + spelled as a bound", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]{1,}@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: fewest instead of most", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+?@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: dot in brackets", EMAIL, r"email ~ '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+[.][A-Z|a-z]{2,}$'"),
    ("email: a second dot in a set", EMAIL, r"email ~ '^[A-Za-z0-9._%+.-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: case ignored", EMAIL, r"email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}$'"),
    ("email: another spelling of the operator", EMAIL, EMAIL.replace(" ~ ", " OPERATOR(pg_catalog.~) ")),
    ("name: trimmed in front alone", NAME, "length(ltrim(first_name)) > 0"),
    ("name: trimmed behind alone", NAME, "length(rtrim(first_name)) > 0"),
    ("name: counted in bytes", NAME, "octet_length(trim(first_name)) > 0"),
    ("name: one or more", NAME, "length(trim(first_name)) >= 1"),
    ("name: not zero", NAME, "length(trim(first_name)) <> 0"),
    ("form: as a list of one", FORM, "jsonb_typeof(form_data) IN ('object')"),
    ("form: with a cast", FORM, "jsonb_typeof(form_data)::varchar = 'object'"),
)
