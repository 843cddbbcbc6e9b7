// The rows of the server that this page is from.

function rowsOfServer() {
  const ask = async (name, query, signal) => {
    const response = await fetch(`api/${name}?${query}`, { signal });
    if (response.ok) return response.json();
    if (response.status === 404) return null;
    const { error } = await response.json().catch(() => ({ error: `status ${response.status}` }));
    throw new Error(error);
  };
  const and = (query, more) => new URLSearchParams([...query, ...Object.entries(more)]);
  return {
    isLive: true,
    summary: (query, signal) => ask("summary", query, signal),
    list: (query, offset, limit, signal) => ask("list", and(query, { offset, limit }), signal),
    place: async (query, id) => (await ask("place", and(query, { id }))).place,
    next: async (query, after) => (await ask("next", and(query, { after }))).place,
    row: (number) => ask("row", new URLSearchParams({ n: number })),
  };
}
