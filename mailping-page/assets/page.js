// Adds to pages that work without it: local times, copying with one click, and receipts that follow what happens.
'use strict';

const text = (element, value) => { if (element) { element.textContent = value; } };

// Times. The page says them in UTC, which stays in the title. The steps are those of the server.
const MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const ago = (seconds) => {
  const say = (number, unit) => `${number} ${unit}${number === 1 ? '' : 's'} ago`;
  if (seconds < 0 || seconds >= 30 * DAY) { return null; }
  if (seconds < 45) { return 'just now'; }
  if (seconds < 3570) { return say(Math.floor((seconds + 30) / MINUTE), 'minute'); }
  if (seconds < 84600) { return say(Math.floor((seconds + 1800) / HOUR), 'hour'); }
  return say(Math.floor((seconds + 43200) / DAY), 'day');
};
const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const tell = (root) => {
  for (const element of root.querySelectorAll('time[data-ago]')) {
    const said = ago((Date.now() - Date.parse(element.dateTime)) / 1000);
    if (said && said !== element.textContent) { text(element, said); }
  }
  for (const element of root.querySelectorAll('time[data-at]')) {
    const said = local.format(new Date(element.dateTime));
    if (said !== element.textContent) { text(element, said); }
  }
};
tell(document);
setInterval(() => { if (!document.hidden) { tell(document); } }, 15000);

// Copying. Without a secure origin browsers give no clipboard; then the text is selected and copied the old way.
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand('copy');
  }
}

for (const button of document.querySelectorAll('[data-copy]')) {
  const field = document.getElementById(button.dataset.copy);
  const label = button.innerHTML;
  button.hidden = false;
  field.addEventListener('focus', () => field.select());
  button.addEventListener('click', async () => {
    const copied = await copy(field);
    text(button, copied ? 'Copied' : 'Press Ctrl+C');
    button.setAttribute('aria-live', 'polite');
    setTimeout(() => { button.innerHTML = label; }, 2000);
  });
}

// Following a receipt. A page in the background listens to nothing, so that many open tabs cost nothing.
const shown = document.querySelector('[data-live]');
if (shown) {
  const pulse = document.getElementById('pulse');
  let source = null;
  let last = null;
  const stop = () => { if (source) { source.close(); source = null; } };
  const say = (message, state) => {
    pulse.hidden = false;
    pulse.dataset.state = state;
    if (pulse.textContent !== message) { text(pulse, message); }
  };
  // What is new without the time that passes: how long ago something was is no news.
  const answer = () => {
    const copy = shown.querySelector('#answer').cloneNode(true);
    for (const time of copy.querySelectorAll('time')) { text(time, time.dateTime); }
    return copy.textContent;
  };
  const number = () => shown.querySelectorAll('.event').length;
  // What was unfolded stays so, and the focus where it was.
  const show = (html) => {
    const keys = [...shown.querySelectorAll('details[open][data-key]')].map((element) => element.dataset.key);
    const focused = shown.contains(document.activeElement) && document.activeElement.closest('[data-key]');
    shown.innerHTML = html;
    for (const element of shown.querySelectorAll('details[data-key]')) {
      element.open = keys.includes(element.dataset.key);
      if (focused && focused.dataset.key === element.dataset.key) { element.firstElementChild.focus(); }
    }
    tell(shown);
  };
  const follow = () => {
    if (source || document.hidden) { return; }
    source = new EventSource(shown.dataset.live);
    source.addEventListener('open', () => say('Live: what happens shows up here by itself', 'on'));
    source.addEventListener('shown', (event) => {
      const first = last === null;
      const [said, events] = [answer(), number()];
      if (event.data !== last) { show(event.data); }
      last = event.data;
      if (first) { return; }
      if (answer() !== said) {
        say('Just now: ' + shown.querySelector('#answer').textContent, 'on');
      } else if (number() !== events) {
        say('Just now: ' + shown.querySelector('.event .head strong').textContent, 'on');
      }
    });
    source.addEventListener('error', () => {
      const over = source && source.readyState === EventSource.CLOSED;
      say(over ? 'Not live: reload to see what is new' : 'Not live: connecting again', 'off');
      if (over) { stop(); }
    });
  };
  document.addEventListener('visibilitychange', () => { if (document.hidden) { stop(); } else { follow(); } });
  addEventListener('pagehide', stop);
  addEventListener('pageshow', follow);
  follow();
}
