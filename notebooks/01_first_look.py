# %% [markdown]
# # A first look
# Opens the lake that `make demo` made (or the one in `WAYPRINT_LAKE`) and reads tables through their contracts.

# %%
import os
from pathlib import Path

from wayprint.engine import Engine, keys_from_file
from wayprint.tables import ALL

# %% [markdown]
# Every table says what one row is.

# %%
for table in ALL.values():
    print(f"{table.layer:>10}.{table.name:<22} one row is {table.grain}")

# %%
lake = os.environ.get("WAYPRINT_LAKE")
if lake is None:
    lake = str(max(Path("demo").glob("*/lake"), key=lambda p: p.stat().st_mtime))
    keys_from_file(Path("demo/keys.env"))
engine = Engine.open(lake)

# %% [markdown]
# ## Who is who
# How many people, how many known by name, how many devices each.

# %%
persons = engine.table("persons")
persons.groupBy("is_known").agg({"person_id": "count", "devices": "avg"}).show()

# %% [markdown]
# ## What brings sales
# The same sales under every attribution model.

# %%
credits = engine.table("channel_credits").toPandas()
print(credits.pivot_table(index="channel", columns="model", values="conversions", aggfunc="sum").round(1))

# %% [markdown]
# ## What was refused
# Nothing is lost: what could not be read or believed stands in a table with its reason.

# %%
engine.table("quarantine").groupBy("source", "rule").count().orderBy("source", "rule").show(50, truncate=False)
engine.table("identity_audit").groupBy("rule").count().show(truncate=False)

# %%
engine.close()
