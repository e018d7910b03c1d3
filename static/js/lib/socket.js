// A websocket with versions: a snapshot, then deltas that each name the version they start from.
// On a gap it asks for a new snapshot; when the line goes it comes back, ever slower, with jitter.

const FIRST_WAIT = 500;
const MAX_WAIT = 15000;
const SILENT_AFTER = 10000;
const LOGGED_OUT = 4401;
const ROLE_CHANGED = 4403;
const NOT_FOUND = 4404;

export class LiveSocket {
  /** `server` is its clock when the page was made. Without a path nothing is opened, and the clock goes on. */
  constructor(path, handlers, server) {
    this.path = path;
    this.handlers = handlers;
    this.version = null;
    this.state = "waiting";
    this.wait = FIRST_WAIT;
    this.timer = null;
    this.isPaused = false;
    this.heardAt = null;
    this.server = server;
    this.serverAt = performance.now();
    if (path === null) {
      this.state = "unknown";
      return;
    }
    this.open();
    // A line can die without a word; then only silence tells.
    setInterval(() => this.checkSilence(), 2000);
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => this.hurry());
  }

  /** Milliseconds since the last message; null before the first. */
  get age() {
    return this.heardAt === null ? null : performance.now() - this.heardAt;
  }

  /** The server's clock: a browser's own may be wrong. */
  now() {
    return this.server + (performance.now() - this.serverAt);
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    this.socket = socket;
    this.openedAt = performance.now();
    this.version = null;
    socket.addEventListener("open", () => {
      if (socket === this.socket) this.handlers.opened?.();
    });
    socket.addEventListener("message", (event) => {
      if (socket === this.socket) this.heard(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.closed(event.code);
    });
  }

  /** Says something to the server; while there is no line, `opened` is where it is said again. */
  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Closes the line until `resume`. */
  pause() {
    if (this.isPaused) return;
    this.isPaused = true;
    clearTimeout(this.timer);
    this.timer = null;
    const socket = this.socket;
    this.socket = null;
    this.state = "waiting";
    socket?.close();
  }

  resume() {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.open();
  }

  heard(message) {
    this.heardAt = performance.now();
    this.state = "live";
    this.wait = FIRST_WAIT;
    if (message.type === "beat") {
      this.server = message.now;
      this.serverAt = performance.now();
      this.handlers.beat?.(message);
    } else if (message.type === "snapshot") {
      this.version = message.version;
      this.handlers.snapshot(message);
    } else if (message.type === "delta") {
      this.applyDelta(message);
    }
  }

  applyDelta(message) {
    if (this.version === null) return; // a snapshot is on its way
    if (message.from !== this.version) {
      this.version = null;
      this.send({ type: "snapshot" });
      return;
    }
    this.version = message.version;
    this.handlers.delta(message);
  }

  closed(code) {
    this.state = "lost";
    if (code === LOGGED_OUT) {
      location.assign(`/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    if (code === ROLE_CHANGED) {
      location.reload(); // the page was made for another role: the server says what there is now
      return;
    }
    if (code === NOT_FOUND) {
      this.handlers.gone?.();
      return;
    }
    this.timer = setTimeout(() => this.open(), this.wait * (0.5 + Math.random()));
    this.wait = Math.min(MAX_WAIT, this.wait * 2);
  }

  hurry() {
    if (this.timer !== null && !this.isPaused && !document.hidden) this.open();
  }

  checkSilence() {
    if (this.isPaused) return;
    const quiet = performance.now() - Math.max(this.heardAt ?? 0, this.openedAt);
    if (this.timer === null && this.state !== "lost" && quiet > SILENT_AFTER) {
      const dead = this.socket;
      this.socket = null;
      dead.close();
      this.closed(1006);
    }
  }
}
