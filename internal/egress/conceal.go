package egress

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// Conceal is text without the credentials of a Proxy-Authorization field, plain
// or as strconv.Quote writes them. What quotes the answer of a proxy may repeat
// what the proxy was told.
func Conceal(text, authorization string) string {
	basic, ok := strings.CutPrefix(authorization, "Basic ")
	if !ok {
		return text
	}
	secrets := []string{basic}
	if plain, err := base64.StdEncoding.DecodeString(basic); err == nil {
		if _, password, _ := strings.Cut(string(plain), ":"); password != "" {
			secrets = append(secrets, password)
		}
	}
	for _, s := range secrets {
		quoted := strconv.Quote(s)
		text = strings.NewReplacer(s, "***", quoted[1:len(quoted)-1], "***").Replace(text)
	}
	return text
}

// telling is how many bytes of a credential are too many to show.
const telling = 4

// unquoted takes the beginning of an answer out of err if it repeats a part of
// the credentials.
func (p Proxy) unquoted(err error) error {
	var e *AnswerError
	if !errors.As(err, &e) {
		return err
	}
	user, _, _ := p.credentials()
	for _, s := range append(p.secrets(), user) {
		n := min(telling, len(s))
		for i := 0; n > 0 && i+n <= len(e.Prefix); i++ {
			if strings.Contains(s, string(e.Prefix[i:i+n])) {
				e.Prefix = nil
				break
			}
		}
	}
	return err
}
