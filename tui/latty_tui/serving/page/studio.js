// The page of `latty serve`: xterm.js at one end of a websocket, the studio at the other.
//
// To the server: what is typed, as bytes; {"size": [columns, rows, width, height]} in cells and px;
// {"seen": bytes} that the terminal has worked through, so that no more is sent than it can show.
// From the server: what the studio writes, as bytes.
"use strict";

const ENDED = 4000, ELSEWHERE = 4001; // why the server closes the connection
const FONT = { family: "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace", about: 15 };
const AGAIN = [500, 5000]; // ms between two tries to connect, at first and at most

const $ = (id) => document.getElementById(id);
const bytes = new TextEncoder();

// A size of the font whose characters are a whole number of px wide, and a hair more: pictures are
// counted in cells, and what is left over of one would be a gap beside them.
function fontSize() {
  const context = document.createElement("canvas").getContext("2d"); // as xterm.js measures
  let size = FONT.about, wanted = 0;
  for (let i = 0; i < 4; i++) {
    context.font = `${size}px ${FONT.family}`;
    const { width } = context.measureText("W");
    wanted ||= Math.round(width) + 0.003;
    size *= wanted / width;
  }
  return size;
}

const terminal = new Terminal({
  allowProposedApi: true,
  cursorBlink: false,
  fontFamily: FONT.family,
  fontSize: fontSize(),
  scrollback: 0,
  theme: { background: "#15171a", foreground: "#d8dbe0" },
});
terminal.loadAddon(new ImageAddon.ImageAddon({ showPlaceholder: false, storageLimit: 64 }));
terminal.open($("screen"));
terminal.focus();
terminal.onTitleChange((title) => { document.title = title || "latty"; });

// OSC 52: what the studio copies goes to the clipboard; nothing is ever read from there.
terminal.parser.registerOscHandler(52, (data) => {
  try {
    const text = Uint8Array.from(atob(data.slice(data.indexOf(";") + 1)), (c) => c.charCodeAt(0));
    navigator.clipboard?.writeText(new TextDecoder().decode(text)).catch(() => {});
  } catch { /* no base64 */ }
  return true;
});

function measured() {
  const screen = document.querySelector(".xterm-screen").getBoundingClientRect();
  const width = screen.width / terminal.cols, height = screen.height / terminal.rows;
  return { width, height,
    columns: Math.max(2, Math.floor($("screen").clientWidth / width)),
    rows: Math.max(2, Math.floor($("screen").clientHeight / height)) };
}

// The connection: one at a time; a broken one is tried again until it is there.

let socket = null, wait = AGAIN[0], seen = 0, resting = false;

function say(words) {
  $("words").textContent = words;
  $("words").hidden = !words;
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(message);
}

function tellSize() {
  const { width, height, columns, rows } = measured();
  if (!(width > 0 && height > 0)) return;
  terminal.resize(columns, rows);
  const px = [Math.round(columns * width), Math.round(rows * height)];
  send(JSON.stringify({ size: [columns, rows, ...px] }));
}

function connect() {
  resting = false;
  const here = new URL("socket", location.href);
  here.protocol = here.protocol.replace("http", "ws");
  socket = new WebSocket(here);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    [wait, seen] = [AGAIN[0], 0];
    say("");
    terminal.reset();
    tellSize();
  };
  socket.onmessage = ({ data, target }) => {
    terminal.write(new Uint8Array(data), () => {
      if (target !== socket) return; // of a connection that is over
      seen += data.byteLength;
      send(JSON.stringify({ seen }));
    });
  };
  socket.onclose = ({ code, reason }) => {
    if (code === ENDED || code === ELSEWHERE) {
      resting = true;
      say(code === ENDED ? `The studio has ended${reason}. Enter opens it again.`
        : "The studio is open in another page. Enter brings it here.");
      return;
    }
    say("The connection is broken; it is tried again. Has latty serve ended?");
    setTimeout(connect, wait);
    wait = Math.min(2 * wait, AGAIN[1]);
  };
}

terminal.onData((typed) => {
  if (!resting) send(bytes.encode(typed));
  else if (typed === "\r") connect();
});
terminal.onBinary((typed) => send(Uint8Array.from(typed, (c) => c.charCodeAt(0))));
new ResizeObserver(tellSize).observe($("screen"));
history.replaceState(null, "", location.pathname); // the token is used
connect();
