# %% [markdown]
# # Who is who, and why
# The graph of identifiers of the lake that `make demo` made (or the one in `WAYPRINT_LAKE`).

# %%
import os
from pathlib import Path

from pyspark.sql import functions as F

from wayprint.engine import Engine, keys_from_file

lake = os.environ.get("WAYPRINT_LAKE")
if lake is None:
    lake = str(max(Path("demo").glob("*/lake"), key=lambda p: p.stat().st_mtime))
    keys_from_file(Path("demo/keys.env"))
engine = Engine.open(lake)
graph = engine.identity_graph(refused=True)

# %% [markdown]
# ## What is seen together
# Which types of identifiers are tied, and which of their links are not believed.

# %%
types = graph.vertices.select("id", "type")
ends = graph.edges.join(types.toDF("src", "src_type"), "src").join(types.toDF("dst", "dst_type"), "dst")
ends.groupBy("src_type", "dst_type", "relationship").count().orderBy(F.desc("count"), "src_type", "dst_type").show(30, truncate=False)

# %% [markdown]
# ## The person with most identifiers
# What holds them together, the weakest link, and the links without which they would be two.

# %%
largest = engine.table("persons").orderBy(F.desc("identifiers"), "person_id").first()
print("\n".join(engine.explain(largest.person_id).in_words()))

# %% [markdown]
# ## Motifs and ways
# With GraphFrames' jar in the session: two logins that met on one device, and the shortest way between two identifiers.

# %%
if graph.frame is None:
    print("GraphFrames' jar is not in this session: this part is left out")
else:
    met = graph.frame.find("(one)-[seen]->(device); (other)-[again]->(device)").where(
        "one.type = 'login' and other.type = 'login' and one.id < other.id")
    met.select("one.person_id", "other.person_id", "device.type", "seen.relationship").show(10)
    login = graph.vertices.where("type = 'login' and person_id is not null").orderBy("id").first()
    graph.frame.bfs(f"id = '{login.id}'", "type = 'email'", maxPathLength=2).show(5)

# %% [markdown]
# ## What changed, and what to look at

# %%
engine.table("identity_changes").groupBy("changed_on", "kind").count().orderBy("changed_on", "kind").show()
engine.table("identity_suggestions").orderBy(F.desc("effective_neighbours")).show(10)

# %%
engine.close()
