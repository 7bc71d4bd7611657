"""What is said of a contract that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from pgcontract.contract import load_project
from pgcontract.errors import ContractError
from written_files import write_files


def contract_error(folder: Path, contract: str) -> str:
    """That of one empty migration, 001_t.sql, without the folder that the contract is in."""
    write_files(folder, {"migrations/001_t.sql": "", "contracts/001_t/contract.toml": contract})
    with pytest.raises(ContractError) as caught:
        load_project(folder)
    return str(caught.value).replace(f"{folder}/contracts/001_t/", "")
