package mien

import (
	"reflect"
	"testing"

	"github.com/mien-http/mien/fingerprint"
)

// A head that is kept is used again for requests with the same key. What
// [fingerprint.Profile.Head] asks of a request is in the key, or is the same for
// every request whose head is kept.
func TestHeadKeyHoldsWhatHeadsDependOn(t *testing.T) {
	key := map[string]string{
		"Wire": "wire", "Destination": "destination", "Variant": "variant", "Method": "method", "Site": "site", "Mode": "mode",
		"UserActivation": "activated", "Redirected": "redirected", "Submitted": "submitted",
	}
	same := map[string]string{
		"ContentLength": "0", "Header": "empty", "Order": "empty", // see call.head
		"Credentials": "what goes with Destination and Mode", "Given": "names fields of Header", // not set, see call.write
	}
	fields := reflect.VisibleFields(reflect.TypeFor[fingerprint.HeadRequest]())
	for _, f := range fields {
		if name, in := key[f.Name]; in {
			if _, ok := reflect.TypeFor[headKey]().FieldByName(name); !ok {
				t.Errorf("headKey has no %s for %s", name, f.Name)
			}
		} else if same[f.Name] == "" {
			t.Errorf("heads depend on %s, which headKey does not hold", f.Name)
		}
	}
	if len(fields) != len(key)+len(same) || reflect.TypeFor[headKey]().NumField() != len(key) {
		t.Errorf("%d facts of a request, %d in the key", len(fields), reflect.TypeFor[headKey]().NumField())
	}
}
