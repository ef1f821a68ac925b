// Opens connections one after the other: each answer ends the one that it came by.
(async () => {
  const wait = ms => new Promise(done => setTimeout(done, ms));
  for (const visit of plan)
    for (let i = 0; i < visit.count; i++) {
      await Promise.race([fetch(visit.url + '/k/connection', {mode: 'no-cors'}).then(r => r.text()), wait(5000)]).catch(() => {});
      await wait(60);
    }
  location.href = '/k/done';
})();
