// Sends one request after the other, each of another kind: its name stands in the
// path. Nothing that fails or never ends holds up the rest.
const wait = ms => new Promise(done => setTimeout(done, ms));
const soon = (promise, ms = 8000) => Promise.race([promise, wait(ms)]).catch(() => {});
const at = host => location.protocol + '//' + host + ':' + location.port;
const put = (tag, fields) => new Promise(done => {
  const e = document.createElement(tag);
  e.onload = e.onerror = done;
  Object.assign(e, fields);
  document.body.append(e);
});
const get = (path, options) => soon(fetch(path.startsWith('http') ? path : '/k/' + path, options).then(r => r.arrayBuffer()));
const xhr = (method, path, body, fields = {}) => soon(new Promise(done => {
  const x = new XMLHttpRequest();
  x.open(method, '/k/' + path);
  for (const name in fields) x.setRequestHeader(name, fields[name]);
  x.onloadend = done;
  x.send(body);
}));
const json = {'Content-Type': 'application/json'};

async function own() {
  await get('fetch-get');
  await get('fetch-get-2');
  await get('fetch-get-3');
  await get('fetch-post-json', {method: 'POST', headers: json, body: '{"a":1}'});
  await get('fetch-post-json-accept', {method: 'POST', body: '{}',
    headers: {'Accept': 'application/json', 'Content-Type': 'application/json', 'Authorization': 'Bearer tok', 'X-Custom-Header': 'v'}});
  await get('fetch-post-empty', {method: 'POST'});
  await get('fetch-put', {method: 'PUT', body: 'text'});
  await get('fetch-delete', {method: 'DELETE'});
  await get('fetch-head', {method: 'HEAD'});
  await get('fetch-urlenc', {method: 'POST', body: new URLSearchParams({a: '1', b: '2'})});
  const form = new FormData();
  form.append('a', '1');
  form.append('f', new File(['content'], 'a.txt', {type: 'text/plain'}));
  await get('fetch-multipart', {method: 'POST', body: form});
  await get('fetch-nocache', {cache: 'no-cache'});
  await get('fetch-nostore', {cache: 'no-store'});
  await get('fetch-range', {headers: {'Range': 'bytes=0-10'}});
  await get('fetch-omit', {credentials: 'omit'});
  await get('fetch-noreferrer', {referrerPolicy: 'no-referrer'});
  await xhr('GET', 'xhr-get');
  await xhr('GET', 'xhr-get-requested-with', null, {'X-Requested-With': 'XMLHttpRequest'});
  await xhr('POST', 'xhr-post-urlenc', 'a=1&b=2', {'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8', 'X-Requested-With': 'XMLHttpRequest'});
  await xhr('POST', 'xhr-post-json', '{"a":1}', json);
}

async function elements() {
  await soon(put('img', {src: '/k/img-js.png'}));
  await soon(put('img', {src: '/k/etag.png?2'}));
  await get('etag.png', {cache: 'no-cache'});
  await soon(put('script', {src: '/k/script-js.js'}));
  await soon(put('link', {rel: 'stylesheet', href: '/k/css-js.css'}));
  await soon(put('iframe', {src: '/k/iframe-js'}));
}

async function others() {
  const cdn = at('cdn.other.test') + '/k/', api = at('api.other.test') + '/k/';
  await soon(put('script', {src: cdn + 'x-script.js'}));
  await soon(put('script', {src: cdn + 'x-script-cors.js', crossOrigin: 'anonymous'}));
  await soon(put('img', {src: cdn + 'x-img.png'}));
  await soon(put('iframe', {src: at('www.other.test') + '/k/iframe-x'}));
  await get(at('api.shop.test') + '/k/samesite-fetch', {credentials: 'include'});
  await get(api + 'x-fetch-cors');
  await get(api + 'x-fetch-nocors', {mode: 'no-cors'});
  await get(api + 'x-fetch-preflight', {method: 'POST', headers: {...json, 'X-Custom-Header': 'v'}, body: '{}', credentials: 'include'});
  await get('redir302-fetch-get');
  await get('redir302-fetch-post', {method: 'POST', headers: json, body: '{}'});
  await get('redir307-fetch-post', {method: 'POST', headers: json, body: '{}'});
  await get('xredir-fetch');
}

async function rest() {
  navigator.sendBeacon('/k/beacon', 'x=1');
  await get('keepalive', {method: 'POST', keepalive: true, body: 'k'});
  await get('prio-high', {priority: 'high'});
  await get('prio-low', {priority: 'low'});
  await soon(new Promise(done => { const e = new EventSource('/k/sse'); e.onerror = () => { e.close(); done(); }; }));
  for (const [name, protocols] of [['ws', []], ['ws-proto', ['chat', 'v2']]])
    await soon(new Promise(done => {
      const w = new WebSocket(at(location.hostname).replace('http', 'ws') + '/k/' + name, protocols);
      w.onclose = w.onerror = done;
    }));
  await soon(Promise.all([...Array(12).keys()].map(i => fetch('/k/slow' + i))));
  for (let i = 0; i < 3; i++) await get('big'); // when credit is given depends on timing too
  await get('goaway1'); await wait(300);
  await get('after-goaway');
}

(async () => {
  await wait(500);
  await own();
  await elements();
  await others();
  await rest();
  location.href = '/k/nav-a';
})();
