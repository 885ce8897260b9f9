/** All that the page asks of the server. A token comes behind the page's `#`, which no server sees: `#token=…`. */

const eventsQuery = `query LiveEvents { liveEvents(first: 10) { id title currentStage { kind } } }`;
const connectionQuery = `query Connection($event: ID!, $member: String!, $device: String!) {
  liveEvent(id: $event) { connection(member: $member, device: $device) { url token expiresAt } } }`;
const coveragesQuery = `query Coverages($event: ID!) { liveEvent(id: $event) { coverages(last: 10) {
  epoch sequence stage at audience connected sent applied t50Ms t99Ms t100Ms missing { reason count } } } }`;

const over = new Set(['ENDED', 'REPLAY', 'CANCELLED']);

export function requestHeaders() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** The newest event that is not over, else the newest; null when there is none. */
export async function newestEvent() {
  const { liveEvents: events } = await ask(eventsQuery, {});
  return events.find(({ currentStage }) => !over.has(currentStage.kind)) ?? events[0] ?? null;
}

/** Where a device connects to, and as whom. */
export async function connectionOf(event, member, device) {
  const { liveEvent } = await ask(connectionQuery, { event, member, device });
  const { url, token, expiresAt } = liveEvent.connection;
  return { url: underOneName(url), token, expiresAt };
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** A machine has several names for itself, and a page may connect to the one only that it was loaded under. */
function underOneName(address) {
  const url = new URL(address);
  if (loopbackNames.has(url.hostname) && loopbackNames.has(location.hostname)) url.host = location.host;
  return url.href;
}

/** Newest first; null where the server keeps no figures, or does not show them to everybody. */
export async function coveragesOf(event) {
  const response = await send(coveragesQuery, { event });
  return response.data?.liveEvent?.coverages ?? null;
}

async function ask(query, variables) {
  const { data, errors } = await send(query, variables);
  if (errors?.length > 0) throw new Error(errors[0].message);
  return data;
}

async function send(query, variables) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { ...requestHeaders(), 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return await response.json();
}
