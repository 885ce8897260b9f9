const reasons = {
  NEVER_PREFETCHED: 'never prefetched',
  NEVER_CONNECTED: 'never connected',
  DISCONNECTED_BEFORE: 'disconnected before',
  TOO_SLOW: 'connected and slow',
  SILENT: 'connected and silent',
};

/** The figures of the newest broadcast, and a row for each. `coverages`: newest first, or null where there are none. */
export function drawCoverage(figures, body, coverages) {
  const newest = coverages?.[0];
  if (newest === undefined) {
    figures.replaceChildren(figure('No figures yet', '–'));
    body.replaceChildren();
    return;
  }
  const share =
    newest.audience > 0
      ? `${Math.round((100 * newest.applied) / newest.audience)} % of the audience`
      : 'applied';
  figures.replaceChildren(
    figure(share, `${count(newest.applied)} of ${count(newest.audience)}`),
    figure('T50', delay(newest.t50Ms)),
    figure('T99', delay(newest.t99Ms)),
    figure('T100', delay(newest.t100Ms)),
    figure('connected', count(newest.connected)),
  );
  body.replaceChildren(...coverages.map(row));
}

function row(one) {
  const { epoch, sequence, stage, audience, connected, sent, applied, t50Ms, t99Ms, t100Ms, missing } = one;
  const counts = [audience, connected, sent, applied].map(count);
  const cells = [sequence, stage, ...counts, delay(t50Ms), delay(t99Ms), delay(t100Ms), missingText(missing)];
  const line = document.createElement('tr');
  line.title = `${epoch}.${sequence}`;
  for (const text of cells) line.insertCell().textContent = text;
  return line;
}

function missingText(missing) {
  const some = (missing ?? []).filter((one) => one.count > 0);
  return some.map((one) => `${count(one.count)} ${reasons[one.reason] ?? one.reason}`).join(', ') || 'nobody';
}

function figure(label, value) {
  const text = document.createElement('p');
  const number = document.createElement('b');
  number.textContent = value;
  text.append(number, label);
  return text;
}

function count(value) {
  return typeof value === 'number' ? value.toLocaleString('en') : '–';
}

function delay(valueMs) {
  return typeof valueMs === 'number' ? `${Math.round(valueMs).toLocaleString('en')} ms` : '–';
}
