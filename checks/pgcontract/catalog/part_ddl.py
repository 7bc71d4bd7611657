"""The statements that make a part of a schema as it is declared."""

from __future__ import annotations

from pgcontract.model.qualified_name import QualifiedName
from pgcontract.model.schema import (
    Column,
    Constraint,
    Function,
    Index,
    Policy,
    Trigger,
    Type,
    View,
)


def column_ddl(column: Column) -> str:
    ddl = f"{column.quoted_name} {column.type}"
    if column.collation:
        ddl += f" COLLATE {column.collation}"
    if column.generated:
        ddl += f" GENERATED ALWAYS AS ({column.default}) {column.generated.upper()}"
    elif column.default is not None:
        ddl += f" DEFAULT {column.default}"
    return ddl


def create_type(part: Type, name: QualifiedName) -> str:
    attributes = ", ".join(part.attributes)
    match part.form:
        case "enum":
            labels = ", ".join("'" + label.replace("'", "''") + "'" for label in part.labels)
            return f"CREATE TYPE {name} AS ENUM ({labels})"
        case "range":
            return f"CREATE TYPE {name} AS RANGE ({attributes})"
        case "domain":
            default = f" DEFAULT {part.default}" if part.default is not None else ""
            return f"CREATE DOMAIN {name} AS {' COLLATE '.join(part.attributes)}{default}"
        case _:
            return f"CREATE TYPE {name} AS ({attributes})"


def create_function(part: Function, name: QualifiedName) -> str:
    word = "PROCEDURE" if part.form == "procedure" else "FUNCTION"
    returns = f" RETURNS {part.returns}" if part.returns and word == "FUNCTION" else ""
    settings = "".join(f" SET {setting.replace('=', ' TO ', 1)}" for setting in part.settings)
    body = part.body or ""
    if body.lstrip()[:12].upper().startswith(("BEGIN ATOMIC", "RETURN ")):
        quoted = body
    else:
        tag = "$pgcontract$"
        while tag in body:
            tag = f"{tag[:-1]}_$"
        quoted = f"AS {tag}{body}{tag}"
    return (
        f"CREATE {word} {name.without_arguments}({part.arguments}){returns} LANGUAGE {part.language}{settings} {quoted}"
    )


def create_constraint(part: Constraint, relation: QualifiedName, *, domain: bool) -> str:
    name = part.quoted_name
    return f"ALTER {'DOMAIN' if domain else 'TABLE'} {relation} ADD CONSTRAINT {name} {part.definition}"


def create_index(part: Index, table: QualifiedName) -> str:
    ddl = f"CREATE {'UNIQUE ' if part.unique else ''}INDEX {part.quoted_name} ON {table} USING {part.method}"
    ddl += f" ({', '.join(part.keys)})"
    return ddl + (f" WHERE {part.predicate}" if part.predicate else "")


def create_trigger(part: Trigger, table: QualifiedName) -> str:
    name = part.quoted_name
    columns = f" OF {', '.join(part.columns)}" if part.columns else ""
    events = " OR ".join(event.upper() + (columns if event == "update" else "") for event in part.events)
    word = "CONSTRAINT TRIGGER" if part.constraint else "TRIGGER"
    tables = [
        f"{word} TABLE AS {transition}"
        for word, transition in (("OLD", part.old_table), ("NEW", part.new_table))
        if transition
    ]
    referencing = f" REFERENCING {' '.join(tables)}" if tables else ""
    when = f" WHEN ({part.when})" if part.when else ""
    function = QualifiedName.parse(part.function).without_arguments
    arguments = ", ".join("'" + argument.replace("'", "''") + "'" for argument in part.arguments)
    return (
        f"CREATE {word} {name} {part.timing} {events} ON {table}{referencing} FOR EACH {part.level}{when} "
        f"EXECUTE FUNCTION {function}({arguments})"
    )


def create_policy(part: Policy, table: QualifiedName) -> str:
    ddl = f"CREATE POLICY {part.quoted_name} ON {table} FOR {part.command}"
    ddl += f" USING ({part.using})" if part.using else ""
    return ddl + (f" WITH CHECK ({part.check})" if part.check else "")


def create_view(part: View, name: QualifiedName) -> str:
    word = "MATERIALIZED VIEW" if part.materialized else "VIEW"
    return f"CREATE {word} {name} AS {part.definition.strip().removesuffix(';')}" + (
        " WITH NO DATA" if part.materialized else ""
    )
