// Package capture makes a browser show what it sends: it runs origins whose pages
// have the browser send every kind of request, starts the browser if told to, and
// writes down what arrived, in the form that package fingerprint/capture reads.
//
// A [Site] has several origins, each for one [Part] of what there is to see:
// requests over HTTP/2, over HTTP/1.1 and in cleartext, and connections, fresh,
// resumed and after a HelloRetryRequest. A browser is sent to the URL of each part
// in turn and finds its way from there by scripts.
package capture
