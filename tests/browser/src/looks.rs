//! Checks of how a page looks and reads: contrast, names of fields and buttons, width, and where it
//! loads from.

use serde_json::Value;

use crate::Browser;

/// Every text's contrast against what is behind it (WCAG 2: 4.5, or 3 for large text), a name for
/// everything that can be focused, nothing wider than the window, headings that skip no level,
/// targets large enough, and nothing from elsewhere.
const CHECK: &str = r#"
const faults = [];
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
};
const luminance = ([r, g, b]) => {
  const part = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = rgba(getComputedStyle(e).backgroundColor);
    if (colour[3] > 0.99) return colour;
  }
  return rgba(getComputedStyle(document.documentElement).colorScheme.includes('dark') && matchMedia('(prefers-color-scheme: dark)').matches ? '#121212' : '#fff');
};
const visible = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getBoundingClientRect().width > 1;
for (const e of document.querySelectorAll('body *')) {
  if (!visible(e)) continue;
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || e.matches('input:not([type=hidden]), select');
  if (!own || e.closest('.unseen')) continue;
  const style = getComputedStyle(e);
  const [a, b] = [luminance(rgba(style.color)), luminance(behind(e))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)}: ${e.outerHTML.slice(0, 80)}`);
}
for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
  if (!e.labels.length && !e.getAttribute('aria-label')) faults.push(`no label: ${e.outerHTML.slice(0, 80)}`);
  for (const id of (e.getAttribute('aria-describedby') || '').split(' ').filter(Boolean))
    if (!document.getElementById(id)) faults.push(`describedby ${id} is missing`);
}
for (const e of document.querySelectorAll('a, button, summary')) {
  if (visible(e) && !(e.innerText.trim() || e.getAttribute('aria-label'))) faults.push(`no name: ${e.outerHTML.slice(0, 80)}`);
  const box = e.getBoundingClientRect();
  if (visible(e) && box.height < 24 && !e.closest('p')) faults.push(`small target: ${e.outerHTML.slice(0, 80)}`);
}
for (const e of document.querySelectorAll('[aria-labelledby]'))
  if (!document.getElementById(e.getAttribute('aria-labelledby'))) faults.push(`labelledby is missing: ${e.outerHTML.slice(0, 80)}`);
const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) faults.push(`id ${id} twice`);
let level = 0;
for (const e of document.querySelectorAll('h1, h2, h3, h4')) {
  const next = Number(e.tagName[1]);
  if (next > level + 1) faults.push(`heading skips to ${e.tagName}`);
  level = next;
}
if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
if (!document.documentElement.lang || !document.title) faults.push('no language or title');
const root = document.scrollingElement;
if (root.scrollWidth > root.clientWidth) faults.push(`wider than the window: ${root.scrollWidth} > ${root.clientWidth}`);
for (const e of document.querySelectorAll('main *'))
  if (visible(e) && !e.closest('.unseen') && e.getBoundingClientRect().right > root.clientWidth) faults.push(`sticks out: ${e.outerHTML.slice(0, 80)}`);
for (const entry of performance.getEntriesByType('resource'))
  if (!entry.name.startsWith(location.origin + '/')) faults.push(`from elsewhere: ${entry.name}`);
return faults;
"#;

/// Fails if something of the page can be seen or understood badly.
pub(crate) fn check(browser: &Browser, what: &str) {
    let faults = browser.run(CHECK);
    assert_eq!(faults, Value::Array(Vec::new()), "{what} at {}", browser.path());
}
