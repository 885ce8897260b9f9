import { httpPrefetch, LiveDevice, StorageCache } from '/live/device/index.js';
import { connectionOf, coveragesOf, newestEvent, requestHeaders } from './live-api.js';
import { drawCoverage } from './live-coverage.js';
import { DeviceScreen } from './live-screen.js';
import { drawStrip } from './live-strip.js';

/** Three members of the demo, each with a screen of theirs. */
const places = [
  { kind: 'tv', name: 'TV', member: 'Account:acc-000001', id: 'dev-000001-tv' },
  { kind: 'tablet', name: 'Tablet', member: 'Account:acc-000002', id: 'dev-000002-tablet' },
  { kind: 'phone', name: 'Phone', member: 'Account:acc-000003', id: 'dev-000003-phone' },
];
const pollMs = 2000;
const tickMs = 250;

const element = (id) => document.getElementById(id);

class Seat {
  screen;
  device = null;
  #place;

  constructor(place) {
    this.#place = place;
    this.screen = new DeviceScreen(element('device'), place, () => this.#toggle());
    element('devices').append(this.screen.element);
  }

  /** Another event: its device ends, a new one begins. */
  async follow(event) {
    await this.device?.close();
    this.screen.clear();
    const { kind, member, id } = this.#place;
    this.device = new LiveDevice({
      event,
      member,
      device: kind,
      prefetch: httpPrefetch({ url: location.origin, headers: requestHeaders() }),
      connection: () => connectionOf(event, member, id),
      cache: new StorageCache(localStorage),
      onStage: async (shown) => {
        this.screen.show(shown);
        await painted();
      },
      onState: (status) => this.screen.state(status),
      onProblem: ({ code, message }) => notice(`${this.#place.name}: ${message} (${code})`),
    });
    this.screen.state(this.device.status);
    this.device.start();
  }

  #toggle() {
    if (this.device?.status.connection === 'suspended') this.device.resume();
    else this.device?.suspend();
  }
}

/** Said for a while: what goes wrong at a device is mended by itself. */
let noticedMs = 0;
function notice(text) {
  noticedMs = Date.now();
  element('notice').textContent = text;
}

/** The frame that shows it is on the screen; a page that nobody sees gets no frames. */
async function painted() {
  await new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve, 0));
    setTimeout(resolve, 250);
  });
}

const seats = places.map((place) => new Seat(place));
let followed = null;
let seen = null;

async function look() {
  try {
    const event = await newestEvent();
    // An event that came while the page was open is followed when it has been there for a while: what devices fetch of it is made meanwhile.
    const isNews = event !== null && event.id !== seen && seen !== null;
    seen = event?.id ?? seen;
    if (event !== null && event.id !== followed && !isNews) {
      followed = event.id;
      element('event-title').textContent = event.title;
      await Promise.all(seats.map((seat) => seat.follow(event.id)));
    }
    if (followed !== null)
      drawCoverage(element('figures'), element('broadcasts'), await coveragesOf(followed));
  } catch (error) {
    notice(`The server does not answer: ${error.message}`);
  }
  setTimeout(look, pollMs);
}

setInterval(() => {
  for (const { screen } of seats) screen.tick();
  const statuses = seats.flatMap(({ device }) => (device === null ? [] : [device.status]));
  const newest = statuses.filter(({ stages }) => stages.length > 0).sort(byCursor)[0];
  if (newest !== undefined) drawStrip(element('stages'), newest);
  if (Date.now() - noticedMs > 8000) element('notice').textContent = '';
}, tickMs);

/** One that was away knows less. */
function byCursor({ cursor: a }, { cursor: b }) {
  return b.epoch - a.epoch || b.sequence - a.sequence;
}

await look();
