package egress

import (
	"encoding/base64"
	"strconv"
	"testing"

	"github.com/mien-http/mien/retry"
)

func TestConceal(t *testing.T) {
	const password = `pa"55\word`
	value := base64.StdEncoding.EncodeToString([]byte("u5er:" + password))
	for _, tt := range []struct{ text, authorization, want string }{
		{"told " + password + " and " + value, "Basic " + value, "told *** and ***"},
		{"told " + strconv.Quote(password), "Basic " + value, `told "***"`},
		{"nothing of it", "Basic " + value, "nothing of it"},
		{"no password", "Basic " + base64.StdEncoding.EncodeToString([]byte("u5er:")), "no password"},
		{"no base64", "Basic !", "no base64"},
		{"no credentials", "", "no credentials"},
	} {
		if got := Conceal(tt.text, tt.authorization); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// An answer in another protocol is shown by its first bytes, unless they repeat
// what the proxy was told.
func TestAnswerThatRepeatsCredentials(t *testing.T) {
	legs, err := plan(routeOf(t, "http://u5er:pa55word@p"), "h", "1")
	if err != nil {
		t.Fatal(err)
	}
	basic := base64.StdEncoding.EncodeToString([]byte("u5er:pa55word"))
	for said, shown := range map[string]string{
		"SSH-2.0-OpenSSH_10\r\n": "SSH-2.0-OpenSSH_", "": "",
		"pa55word": "", "x: pa55": "", basic + "\r\n": "", "Basic " + basic: "", "told u5er": "",
	} {
		_, err := connect(&sliced{said: []byte(said), size: 99}, legs[0], nil)
		e, ok := err.(*AnswerError)
		switch {
		case !ok && said != "":
			t.Errorf("%q: %v", said, err)
		case ok && string(e.Prefix) != shown:
			t.Errorf("%q: shows %q, want %q", said, e.Prefix, shown)
		case ok && retry.Classify(retry.Failure{Phase: retry.PhaseProxy, Err: err}) != retry.Protocol:
			t.Errorf("%q: not a failure of the protocol", said)
		}
	}
}
