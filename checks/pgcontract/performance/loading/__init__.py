"""The head's tables loaded with rows, at every size."""

from pgcontract.performance.loading.loaded_server import LoadedServer, get_loaded_server
from pgcontract.performance.loading.preparation import Load
from pgcontract.performance.loading.sizes import read_rows
