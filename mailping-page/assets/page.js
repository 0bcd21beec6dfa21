// Adds to pages that work without it: copying with one click, and receipts that follow what happens.
'use strict';

const text = (element, value) => { if (element) { element.textContent = value; } };

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
  let first = true;
  const stop = () => { if (source) { source.close(); source = null; } };
  const say = (message, state) => {
    pulse.hidden = false;
    pulse.dataset.state = state;
    if (pulse.textContent !== message) { text(pulse, message); }
  };
  const follow = () => {
    if (source || document.hidden) { return; }
    source = new EventSource(shown.dataset.live);
    source.addEventListener('open', () => say('Live: fetches show up here by themselves', 'on'));
    source.addEventListener('shown', (event) => {
      const before = shown.querySelector('.sentence');
      const sentence = before ? before.textContent : '';
      if (!first || shown.innerHTML.trim() !== event.data.trim()) { shown.innerHTML = event.data; }
      const now = shown.querySelector('.sentence');
      if (!first && now && now.textContent !== sentence) { say('Just now: ' + now.textContent, 'on'); }
      first = false;
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
