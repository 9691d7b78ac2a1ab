// The files belong together: pages that are named exist, markup names handlers and data that its page has, nothing is a secret.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { ROOT, read, start } from './stage.mjs';

const app = JSON.parse(read('app.json'));
const parts = [...app.pages, app.plugins['wmpf-voip'].genericsImplementation['call-page-plugin'].custombox];
const files = readdirSync(ROOT, { recursive: true }).filter((path) => /\.\w+$/.test(path));
const here = (path) => existsSync(new URL(path, ROOT));

test('every page and component has its files', () => {
  for (const part of parts) for (const kind of ['js', 'json', 'wxml']) assert.ok(here(`${part}.${kind}`), `${part}.${kind}`);
  for (const path of files.filter((one) => one.endsWith('.json'))) JSON.parse(read(path));
  const known = new Set(parts);
  for (const path of files.filter((one) => one.endsWith('.wxml'))) assert.ok(known.has(path.slice(0, -5)), path);
});

test('the plug-in is declared as its makers say', () => {
  assert.equal(app.plugins['wmpf-voip'].provider, 'wxf830863afde621eb');
  assert.match(app.plugins['wmpf-voip'].version, /^(latest|\d+\.\d+\.\d+)$/);
});

test('there is no appid of anybody and no secret', () => {
  assert.equal(JSON.parse(read('project.config.json')).appid, 'touristappid');
  for (const path of files) {
    const appids = read(path).match(/wx[0-9a-f]{16}/g) || [];
    assert.ok(appids.every((one) => one === 'wxf830863afde621eb'), path);
    assert.doesNotMatch(read(path), /app_?secret\s*[:=]/i, path);
  }
});

test('markup names what its page has', () => {
  const stage = start({ relay: () => [200, {}] });
  for (const part of parts) {
    const markup = read(`${part}.wxml`);
    const page = part.startsWith('pages') ? stage.page(`./${part}.js`) : stage.component(`./${part}.js`);
    for (const [, handler] of markup.matchAll(/\bbind\w+="(\w+)"/g)) assert.equal(typeof page[handler], 'function', `${part}: ${handler}`);
    for (const [, inside] of markup.matchAll(/\{\{([^}]*)\}\}/g)) {
      const words = inside.replace(/'[^']*'/g, '').match(/(?<![.\w])[a-z]\w*/gi) || [];
      for (const word of words) assert.ok(word in page.data || ['item', 'index', 'true', 'false'].includes(word), `${part}: ${word}`);
    }
  }
});

test('markup names texts that there are', () => {
  const { text } = start({ relay: () => [200, {}] }).app.globalData;
  for (const path of files.filter((one) => /\.(wxml|js)$/.test(one) && !one.startsWith('lib'))) {
    for (const [, key] of read(path).matchAll(/\btext\.(\w+)/g)) assert.ok(text[key], `${path}: ${key}`);
  }
});

test('logic knows nothing of WeChat', () => {
  for (const path of files.filter((one) => one.startsWith('lib'))) {
    const code = read(path).replace(/^\s*\/\/.*$/gm, '').replace(/'(?:[^'\\]|\\.)*'/g, '');
    if (path !== 'lib/wechat.js') assert.doesNotMatch(code, /\bwx\.|\bgetApp\b|\brequirePlugin\b/, path);
    assert.doesNotMatch(code, /\brequire\((?!\))[^.]*\.\.\//, path);
  }
});
