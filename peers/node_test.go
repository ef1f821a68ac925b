package peers_test

import (
	"os/exec"
	"strconv"
	"testing"
)

const nodeServer = `
const fs = require('fs'), crypto = require('crypto'), [together, ...ports] = process.argv.slice(1);
const tls = {key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem')};
const www = {'/small': fs.readFileSync('www/small'), '/large': fs.readFileSync('www/large')};
let held = [];
const answer = (req, res) => {
  if (req.url in www) {
    req.resume();
    res.setHeader('content-length', www[req.url].length);
    return res.end(req.method === 'HEAD' ? undefined : www[req.url]);
  }
  if (req.url === '/app/hold') {
    req.resume();
    held.push(res);
    if (held.length == together) { held.forEach(r => r.end()); held = []; }
    return;
  }
  const sum = crypto.createHash('sha256');
  let n = 0;
  req.on('data', d => { n += d.length; sum.update(d); }).on('end', () => res.end(sum.digest('hex') + ' ' + n));
};
require('http2').createSecureServer(tls, answer).listen(ports[0], '127.0.0.1');
require('https').createServer(tls, answer).listen(ports[1], '127.0.0.1');
require('http').createServer(answer).listen(ports[2], '127.0.0.1');
`

func startNode(t *testing.T, s site) []string {
	path := installed(t, "node")
	return serve(t, 3, func(ports []string) *exec.Cmd {
		cmd := exec.Command(path, append([]string{"-e", nodeServer, "--", strconv.Itoa(together)}, ports...)...)
		cmd.Dir = s.dir
		return cmd
	})
}
