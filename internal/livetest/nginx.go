package livetest

// NginxHead begins the configuration of an nginx that keeps all it has in one
// folder, the format's first argument: PID, temporary files, cert.pem and key.pem.
// What follows stands within its block http, which the caller closes.
const NginxHead = `daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log stderr warn;
events { worker_connections 2048; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	ssl_certificate %[1]s/cert.pem;
	ssl_certificate_key %[1]s/key.pem;
`
