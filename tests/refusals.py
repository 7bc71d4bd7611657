"""What is said of what cannot be meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pgcontract.contract import load_project
from pgcontract.errors import ContractError, InputError
from written_files import write_files


def refusal(call: Callable[..., object], *arguments: object, error: type[InputError] = InputError, **more: object) -> str:
    """The words of the error that the call ends with."""
    with pytest.raises(error) as caught:
        call(*arguments, **more)
    return str(caught.value)


def contract_error(folder: Path, contract: str) -> str:
    """That of one empty migration, 001_t.sql, without the folder that the contract is in."""
    write_files(folder, {"migrations/001_t.sql": "", "contracts/001_t/contract.toml": contract})
    return refusal(load_project, folder, error=ContractError).replace(f"{folder}/contracts/001_t/", "")
