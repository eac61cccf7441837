"""Snowflake, entered by a named connection of its own configuration (connections.toml). Its SQL is compiled in the
tests and has not been run there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql import SQLBackend
from ibis.backends.sql.compilers.snowflake import SnowflakeCompiler
from ibis.common.exceptions import UnsupportedOperationError

from ethics_kit.measures.engines.rows import Guarded
