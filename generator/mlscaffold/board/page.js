(() => {
  const $ = (id) => document.getElementById(id);
  const table = $('overview'), ones = $('repositories'), count = $('count');
  document.documentElement.classList.add('script');
  const openNamed = () => {
    const one = location.hash && $(decodeURIComponent(location.hash.slice(1)));
    if (one && one.tagName === 'DETAILS') { one.open = true; one.querySelector('summary').focus(); }
  };
  addEventListener('hashchange', openNamed);
  openNamed();
  let closed = [];
  addEventListener('beforeprint', () => {
    closed = [...document.querySelectorAll('details:not([open])')];
    closed.forEach((one) => { one.open = true; });
  });
  addEventListener('afterprint', () => { closed.forEach((one) => { one.open = false; }); });
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows];
  const one = (row) => $(row.dataset.one);
  const texts = new Map(rows.map((row) => [row, (row.textContent + ' ' + one(row).textContent).toLowerCase()]));
  const show = () => {
    const words = $('find').value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = words.every((word) => texts.get(row).includes(word)) &&
        ['state', 'phase', 'kind'].every((key) => !$(key).value || row.dataset[key] === $(key).value);
      row.hidden = !fits; one(row).hidden = !fits; shown += fits;
    }
    count.textContent = shown + ' of ' + rows.length + ' repositories';
  };
  const sort = (head) => {
    const at = head.cellIndex, down = head.getAttribute('aria-sort') === 'ascending';
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = (row) => row.cells[at].dataset.v ?? row.cells[at].textContent;
    const empty = (text) => (text === '' ? 1 : 0);
    rows.sort((a, b) => empty(key(a)) - empty(key(b)) ||
      (down ? -1 : 1) * key(a).localeCompare(key(b), undefined, { numeric: true }));
    for (const row of rows) { body.append(row); ones.append(one(row)); }
    count.textContent = 'Sorted by ' + head.textContent + (down ? ', falling' : ', rising');
  };
  for (const head of table.tHead.rows[0].cells) head.firstElementChild.addEventListener('click', () => sort(head));
  for (const key of ['find', 'state', 'phase', 'kind']) $(key).addEventListener('input', show);
  $('filter').addEventListener('submit', (event) => event.preventDefault());
  $('filter').addEventListener('reset', () => setTimeout(show));
  $('all').addEventListener('click', () => {
    const open = rows.some((row) => !row.hidden && !one(row).open);
    rows.forEach((row) => { one(row).open = open && !row.hidden; });
  });
})();
