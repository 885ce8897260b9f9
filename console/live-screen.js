/** How a stage looks, by its kind; a stage of the event's own is a part of what is live. */
const looks = {
  announced: 'announced',
  lobby: 'lobby',
  live: 'live',
  custom: 'live',
  ended: 'over',
  replay: 'over',
  cancelled: 'over',
};

const connections = {
  connecting: 'connecting',
  online: 'online',
  offline: 'reconnecting',
  suspended: 'offline',
  stopped: 'stopped',
};

/** One drawn device: shows what its `LiveDevice` says, and nothing that it knows by itself. */
export class DeviceScreen {
  #parts;
  #stage = null;
  #status = null;

  constructor(template, { kind, name, member }, toggled) {
    const article = template.content.firstElementChild.cloneNode(true);
    const part = (selector) => article.querySelector(selector);
    this.#parts = {
      article,
      screen: part('.screen'),
      badge: part('.badge'),
      countdown: part('.countdown'),
      title: part('.title'),
      subtitle: part('.subtitle'),
      action: part('.action'),
      elapsed: part('.elapsed'),
      offline: part('.offline'),
      state: part('.state'),
      cursor: part('.cursor'),
      delay: part('.delay'),
      button: part('button'),
    };
    article.dataset.kind = kind;
    article.setAttribute('aria-label', `${name} of ${member}`);
    part('.name').textContent = name;
    part('.member').textContent = member;
    // Upright, the middle of the picture is all sky.
    if (kind === 'phone') part('.scene').setAttribute('preserveAspectRatio', 'xMaxYMid slice');
    this.#parts.button.addEventListener('click', toggled);
    this.clear();
  }

  get element() {
    return this.#parts.article;
  }

  /** Before the first stage of an event. */
  clear() {
    this.#stage = null;
    const { screen, title, subtitle } = this.#parts;
    screen.dataset.look = 'home';
    screen.dataset.stage = '';
    title.textContent = 'Tonight';
    subtitle.textContent = 'Picked for you';
    for (const part of ['badge', 'countdown', 'action']) this.#parts[part].hidden = true;
  }

  show({ stage, show, at }) {
    this.#stage = { stage, show, at };
    this.#parts.screen.dataset.stage = stage;
    this.#draw();
  }

  /** What its device says of itself. */
  state(status) {
    this.#status = status;
    const { article, state, cursor, delay, button, offline } = this.#parts;
    const { connection, lastDelayMs } = status;
    article.dataset.connection = connection === 'online' ? 'online' : 'offline';
    state.textContent = connections[connection];
    offline.hidden = connection === 'online' || connection === 'connecting';
    cursor.textContent = `${status.cursor.epoch}.${status.cursor.sequence}`;
    delay.textContent = lastDelayMs === null ? '–' : `${lastDelayMs.toLocaleString('en')} ms`;
    button.textContent = connection === 'suspended' ? 'Come back' : 'Go offline';
    button.hidden = connection === 'stopped';
    if (this.#stage !== null) this.#draw();
  }

  /** Also when the schedule came after the stage: only that knows what kind of stage it is. */
  #draw() {
    const { stage, show } = this.#stage;
    const { screen, title, subtitle } = this.#parts;
    const look = looks[this.#kindOf(stage)] ?? 'home';
    screen.dataset.look = look;
    screen.dataset.player = show?.player ?? 'enter';
    title.textContent = show?.title ?? stage;
    subtitle.textContent = show?.subtitle ?? '';
    this.#text('badge', show?.badge ?? (look === 'live' ? 'Live' : null));
    this.#text('action', show?.action ?? null);
    this.tick();
  }

  /** What changes with time alone. */
  tick() {
    if (this.#stage === null || this.#status === null) return;
    const nowMs = Date.now() + this.#status.offsetMs;
    const { stage, at } = this.#stage;
    const start = this.#status.stages.find((one) => one.kind === 'live')?.startsAtMs ?? null;
    const isAhead = this.#kindOf(stage) === 'lobby' && start !== null;
    this.#text('countdown', isAhead ? clock(Math.max(0, start - nowMs)) : null);
    this.#parts.elapsed.textContent = clock(Math.max(0, nowMs - at));
  }

  #kindOf(stage) {
    return this.#status?.stages.find(({ key }) => key === stage)?.kind ?? stage;
  }

  #text(part, text) {
    this.#parts[part].hidden = text === null;
    this.#parts[part].textContent = text ?? '';
  }
}

/** Minutes and seconds. */
export function clock(durationMs) {
  const seconds = Math.ceil(durationMs / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
