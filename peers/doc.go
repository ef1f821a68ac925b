// Package peers holds no code but tests: a Session against the programs that it
// meets in the world, as Debian packages them. Servers: nginx, HAProxy, Caddy,
// h2o, nghttpd, Node.js and OpenSSL's s_server. Proxies: Squid, tinyproxy and
// microsocks, alone and in chains.
//
// All of it runs on loopback addresses. A test whose program is not installed
// skips itself by that name, and fails instead when MIEN_REQUIRE_LIVE is set.
package peers
