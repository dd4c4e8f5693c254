/**
 * What the demo's conversation looks like: one self-contained page. What happens on it is told by `google-page.ts`
 * through server-sent events.
 */
import { PHRASES } from './speech';

const STYLE = `
:root{color-scheme:light dark;--ground:#eef1f6;--card:#fff;--text:#1c2330;--soft:#566072;--line:#c9d0dc;--accent:#1558c0;--on:#fff;--google:#eef2f8;--key:#0b57a4;--string:#1c6b34;--literal:#8a3b00;--ask:#8a5a00;--askbg:#fff4d9;--good:#1c6b34}
@media (prefers-color-scheme:dark){:root{--ground:#12151b;--card:#1b2029;--text:#e9edf4;--soft:#a9b3c4;--line:#3a4352;--accent:#8ab4f8;--on:#10203c;--google:#28303c;--key:#9cc4ff;--string:#9fdcb0;--literal:#f5b88a;--ask:#ffd27a;--askbg:#3a2f16;--good:#9fdcb0}}
*{box-sizing:border-box}
body{margin:0;height:100vh;height:100dvh;display:grid;grid-template:auto minmax(0,1fr) / minmax(0,11fr) minmax(0,9fr);gap:14px;padding:14px;background:var(--ground);color:var(--text);font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
header{grid-column:1/-1;display:flex;flex-wrap:wrap;align-items:center;gap:6px 16px}
h1{margin:0;font-size:1.25rem}
h2{margin:0;font-size:1rem}
header p{margin:0;color:var(--soft);flex:1 1 20rem}
.state{display:inline-flex;align-items:center;gap:8px;font-weight:600;color:var(--soft)}
.state::before{content:"";width:10px;height:10px;border-radius:50%;background:var(--line)}
.state.linked{color:var(--good)}
.state.linked::before{background:var(--good)}
main{display:contents}
section{display:flex;flex-direction:column;min-height:0;background:var(--card);border-radius:14px;box-shadow:0 1px 3px #0003;overflow:hidden}
#log{flex:1;min-height:0;padding:18px;overflow-y:auto}
ol{margin:0;padding:0;list-style:none;display:flex;flex-direction:column;gap:10px}
li{display:flex;max-width:100%}
li.you{justify-content:flex-end}
li.note{justify-content:center}
.say{max-width:min(80%,34rem);padding:9px 15px;border:0;border-radius:18px;font:inherit;text-align:left;color:inherit;background:var(--google);border-bottom-left-radius:5px;overflow-wrap:anywhere}
.you .say{background:var(--accent);color:var(--on);border-radius:18px;border-bottom-right-radius:5px}
.note .say{max-width:92%;padding:3px 12px;background:none;color:var(--soft);font-size:.85rem;text-align:center;border-radius:9px}
button.say{cursor:pointer}
button.say[aria-pressed=true]{box-shadow:inset 0 0 0 2px var(--accent)}
#empty{margin:2rem auto;color:var(--soft);text-align:center}
.phrases{display:flex;flex-wrap:wrap;gap:8px;padding:14px 18px 4px;border-top:1px solid var(--line)}
.phrases button,form button,header button{min-height:40px;padding:7px 14px;font:inherit;font-weight:550;color:var(--accent);background:var(--card);border:1px solid var(--line);border-radius:20px;cursor:pointer}
.phrases button:hover,form button:hover,header button:hover{border-color:var(--accent)}
.phrases button.asked{color:var(--ask);background:var(--askbg);border-color:var(--ask)}
button:disabled{opacity:.5;cursor:default}
form{display:flex;gap:8px;padding:10px 18px 16px}
input{flex:1;min-width:0;min-height:42px;padding:8px 14px;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:21px}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
#log:focus-visible,pre:focus-visible{outline-offset:-3px}
.wire{padding:14px 18px 0;display:flex;align-items:baseline;gap:10px;flex-wrap:wrap}
.wire span{color:var(--soft);font-size:.9rem}
pre{flex:1;min-height:0;margin:10px 0 0;padding:0 18px 18px;overflow:auto;font:13px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere}
.title{color:var(--soft);font-weight:700}
.key{color:var(--key)}.string{color:var(--string)}.literal{color:var(--literal)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media (max-width:52rem){body{height:auto;grid-template:auto / minmax(0,1fr);padding:10px}#log{max-height:60vh;min-height:15rem}pre{max-height:70vh}}
@media (prefers-reduced-motion:no-preference){li{animation:in .18s ease-out}@keyframes in{from{opacity:0;transform:translateY(4px)}}}
`;

const SCRIPT = `
const log = document.getElementById('log');
const list = document.getElementById('talk');
const json = document.getElementById('json');
const what = document.getElementById('what');
const state = document.getElementById('state');
const unlink = document.getElementById('unlink');
const empty = document.getElementById('empty');
const form = document.querySelector('form');
const input = document.getElementById('phrase');
const buttons = [...document.querySelectorAll('.phrases button')];
const names = { you: 'You', google: 'Google', note: 'Note' };
let chosen;

function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function compact(value, indent, used) {
  const flat = JSON.stringify(value, null, 1).replace(/\\n\\s*/g, ' ');
  if (value === null || typeof value !== 'object' || used + flat.length < 60) return flat;
  const inner = indent + '  ';
  const list = Array.isArray(value);
  if (list && value.length === 1 && typeof value[0] === 'object') return '[' + compact(value[0], indent, used + 2) + ']';
  const parts = Object.entries(value).map(([key, part]) => {
    const head = inner + (list ? '' : JSON.stringify(key) + ': ');
    return head + compact(part, inner, head.length);
  });
  return (list ? '[' : '{') + '\\n' + parts.join(',\\n') + '\\n' + indent + (list ? ']' : '}');
}

function paint(title, value) {
  json.append(element('span', 'title', title + '\\n'));
  const text = compact(value, '', 0);
  const token = /("(?:[^"\\\\]|\\\\.)*")(\\s*:)?|\\b(?:true|false|null|-?\\d+(?:\\.\\d+)?)\\b/g;
  let end = 0;
  for (const match of text.matchAll(token)) {
    json.append(text.slice(end, match.index));
    const name = match[2] !== undefined ? 'key' : match[1] !== undefined ? 'string' : 'literal';
    json.append(element('span', name, match[1] ?? match[0]), match[2] ?? '');
    end = match.index + match[0].length;
  }
  json.append(text.slice(end) + '\\n\\n');
}

function choose(bubble, wire) {
  if (chosen) chosen.setAttribute('aria-pressed', 'false');
  chosen = bubble;
  bubble.setAttribute('aria-pressed', 'true');
  what.textContent = wire.title;
  json.replaceChildren();
  paint('Request', wire.request);
  if ('response' in wire) paint('Answer', wire.response);
  json.scrollTop = 0;
}

function add(line) {
  empty.hidden = true;
  const item = element('li', line.who);
  const bubble = element(line.wire ? 'button' : 'div', 'say');
  bubble.append(element('span', 'hidden', names[line.who] + ': '), line.text);
  if (line.wire) {
    bubble.type = 'button';
    bubble.setAttribute('aria-pressed', 'false');
    bubble.title = 'Show the JSON of this';
    bubble.addEventListener('click', () => choose(bubble, line.wire));
    if (line.who === 'google' || !chosen) choose(bubble, line.wire);
  }
  item.append(bubble);
  list.append(item);
  log.scrollTop = log.scrollHeight;
}

async function post(path, body) {
  for (const button of buttons) button.disabled = true;
  try {
    await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

for (const button of buttons) {
  button.addEventListener('click', async () => {
    await post('say', { phrase: button.textContent });
    button.focus();
  });
}
form.addEventListener('submit', (event) => {
  event.preventDefault();
  const phrase = input.value.trim();
  if (phrase === '') return;
  input.value = '';
  void post('say', { phrase });
});
unlink.addEventListener('click', () => void post('unlink', {}));

const events = new EventSource('events');
events.addEventListener('transcript', (event) => {
  list.replaceChildren();
  chosen = undefined;
  for (const line of JSON.parse(event.data)) add(line);
});
events.addEventListener('line', (event) => add(JSON.parse(event.data)));
events.addEventListener('situation', (event) => {
  const { linked, asks } = JSON.parse(event.data);
  state.textContent = linked ? 'Account linked' : 'Account not linked';
  state.classList.toggle('linked', linked);
  unlink.disabled = !linked;
  for (const button of buttons) button.classList.toggle('asked', asks !== null && button.dataset.for.includes(asks));
});
events.onerror = () => {
  state.textContent = 'The demo has ended';
  state.classList.remove('linked');
};
`;

/** Which open question a phrase answers. */
function answers(phrase: string): string {
  if (phrase.startsWith('PIN')) return 'pin';
  if (phrase.startsWith('Yes')) return 'ack';
  return phrase === 'No' ? 'pin ack' : '';
}

export function conversationPage(nonce: string): string {
  const buttons = PHRASES.map((phrase) => `<button type="button" data-for="${answers(phrase)}">${phrase}</button>`);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Stand-in for Google</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<header>
<h1>Stand-in for Google</h1>
<p>It speaks to the demo flow as Google would. Nothing leaves this machine.</p>
<span class="state" id="state" role="status">Connecting…</span>
<button type="button" id="unlink" disabled>Unlink</button>
</header>
<main>
<section aria-label="Conversation">
<div id="log" role="log" aria-label="What was said" tabindex="0"><p id="empty">Click a phrase to say it.</p><ol id="talk"></ol></div>
<div class="phrases" role="group" aria-label="Phrases">${buttons.join('')}</div>
<form><label class="hidden" for="phrase">Say something else</label><input id="phrase" autocomplete="off" maxlength="200" placeholder="In your own words: PIN 0000"><button type="submit">Say</button></form>
</section>
<section aria-label="What went over the wire">
<div class="wire"><h2>JSON</h2><span id="what">Click a bubble to see what is behind it.</span></div>
<pre id="json" tabindex="0" aria-label="Request and answer"></pre>
</section>
</main>
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>
`;
}
