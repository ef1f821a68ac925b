package retry

import "testing"

// The numbers are those of winsock2.h and winerror.h.
func TestWindowsSocketsErrors(t *testing.T) {
	want := map[uintptr]errnoKind{
		10054: errnoReset, 10053: errnoReset, 10052: errnoReset, 10057: errnoReset, 10058: errnoReset, 10101: errnoReset,
		64: errnoReset, 109: errnoReset,
		10061: errnoRefused,
		10065: errnoUnreachable, 10051: errnoUnreachable, 10064: errnoUnreachable, 10050: errnoUnreachable, 10013: errnoUnreachable,
		10060: errnoTimeout,
		10024: errnoLimit, 10049: errnoLimit, 10048: errnoLimit, 10055: errnoLimit, 10067: errnoLimit,
	}
	for code := uintptr(0); code < 12000; code++ {
		if got := kindOfWSA(code); got != want[code] {
			t.Errorf("error %d: kind %d, want %d", code, got, want[code])
		}
	}
}
