// The rows of an exported file: filtered, sorted and counted here, as the server's index does it.

/** Answers the questions of the page from the rows in the file. */
function rowsInFile(data) {
  const rows = data.rows.map((row) => ({ ...row.facts, texts: searchedTexts(row.row), whole: row }));
  let [asked, chosen] = ["", rows];
  const select = (query) => {
    if (query.toString() !== asked) [asked, chosen] = [query.toString(), selected(rows, query)];
    return chosen;
  };
  return {
    isLive: false,
    summary: async (query) => {
      const left = select(query);
      return { ...data.summary, chosen: left.length, counts: countsOf(left) };
    },
    list: async (query, offset, limit) => ({
      chosen: select(query).length,
      offset,
      rows: select(query).slice(offset, offset + limit).map((row) => ({
        ...row,
        instruction: (row.whole.row.instruction ?? "").slice(0, 160),
      })),
    }),
    place: async (query, id) => select(query).findIndex((row) => row.id === id),
    next: async (query, after) =>
      select(query).findIndex((row, place) => place > after && row.status !== "kept"),
    row: async (number) => rows.find((row) => row.n === number)?.whole,
  };
}

function searchedTexts(row) {
  const critique = row.critique ? [...row.critique.weaknesses, ...row.critique.suggestions] : [];
  const texts = [row.instruction, row.draft, row.refinement, row.critic_reply, row.detail, ...critique];
  return texts.filter((text) => text != null).map((text) => text.toLowerCase());
}

const CHOICE_COLUMNS = { model: ["draft_model", "critic_model", "scorer_model"] };

function selected(rows, query) {
  let left = rows;
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    const [value] = values;
    if (name === "sort" || name === "sample") continue;
    if (name === "q") {
      const text = value.toLowerCase();
      if (text) left = left.filter((row) => row.id === value || row.texts.some((each) => each.includes(text)));
    } else if (name === "reached") {
      const stage = STAGES.indexOf(value);
      left = left.filter((row) => row.reached >= stage);
    } else if (RANGES.includes(name)) {
      const [low, high = low] = value.split("..");
      const bounds = [low === "" ? -Infinity : Number(low), high === "" ? Infinity : Number(high)];
      left = left.filter((row) => row[name] !== null && row[name] >= bounds[0] && row[name] <= bounds[1]);
    } else {
      const columns = CHOICE_COLUMNS[name] ?? [name];
      left = left.filter((row) => columns.some((column) => values.includes(row[column] ?? "-")));
    }
  }
  const sort = query.get("sort") ?? "n";
  const [by, sign] = sort.startsWith("-") ? [sort.slice(1), -1] : [sort, 1];
  // Rows without the value come last in either order.
  left = left.toSorted((one, other) => {
    const [x, y] = [one[by], other[by]];
    if (x === null || y === null) return (x === null) - (y === null) || one.n - other.n;
    return sign * (x - y) || one.n - other.n;
  });
  // The ids are hashes, so the first by their ends are as good as drawn.
  const backwards = (id) => [...id].reverse().join("");
  const drawn = (one, other) => (backwards(one.id) < backwards(other.id) ? -1 : 1);
  return query.has("sample") ? left.toSorted(drawn).slice(0, Number(query.get("sample"))) : left;
}

function countsOf(rows) {
  const count = (...columns) => {
    const groups = new Map();
    for (const row of rows) {
      const values = columns.map((column) => (typeof column === "function" ? column(row) : row[column]));
      const key = JSON.stringify(values);
      groups.set(key, (groups.get(key) ?? 0) + 1);
    }
    return [...groups].map(([key, rows]) => [...JSON.parse(key), rows]);
  };
  const length = (name) => (row) =>
    row[name] === null ? null : Math.floor(Math.log2(Math.max(row[name], 1)));
  return {
    fates: count("status", "reason", "reached"),
    scores: count("draft_score", "refinement_score"),
    lengths: count(length("draft_length"), length("refinement_length")),
    changes: count("change"),
    verdicts: count("verdict"),
  };
}
