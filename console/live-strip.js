import { clock } from './live-screen.js';

/** The stages of the event in a row, as the first device that knows them has them. */
export function drawStrip(list, status) {
  const now = status.stages.findIndex(({ key }) => key === status.stage);
  const nowMs = Date.now() + status.offsetMs;
  const rows = status.stages.map(({ key, kind, startsAtMs }, index) => {
    const item = document.createElement('li');
    item.dataset.kind = kind;
    if (index < now) item.className = 'past';
    if (index === now) {
      item.className = 'now';
      item.setAttribute('aria-current', 'step');
    }
    const name = document.createElement('b');
    name.textContent = key;
    const when = document.createElement('span');
    when.textContent = index === now ? 'now' : whenOf(startsAtMs, nowMs, index < now);
    item.append(name, when);
    return item;
  });
  list.replaceChildren(...rows);
}

function whenOf(startsAtMs, nowMs, isEntered) {
  if (startsAtMs === null) return isEntered ? 'over' : 'by hand';
  if (!isEntered && startsAtMs > nowMs) return `in ${clock(startsAtMs - nowMs)}`;
  return new Date(startsAtMs).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}
