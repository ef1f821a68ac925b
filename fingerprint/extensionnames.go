package fingerprint

import (
	"fmt"
	"slices"
)

const extSessionTicket Code = 35

// extensionNames maps the names of TLS extensions to their numbers: IANA's
// name first (TLS ExtensionType Values), then others in use. A slice, so that
// the first name of a number is the one to print.
var extensionNames = []struct {
	name string
	id   Code
}{
	{"server_name", 0},
	{"max_fragment_length", 1},
	{"status_request", 5},
	{"supported_groups", 10},
	{"ec_point_formats", 11},
	{"signature_algorithms", 13},
	{"use_srtp", 14},
	{"application_layer_protocol_negotiation", 16}, {"alpn", 16},
	{"status_request_v2", 17},
	{"signed_certificate_timestamp", 18}, {"sct", 18},
	{"client_certificate_type", 19},
	{"server_certificate_type", 20},
	{"padding", 21},
	{"encrypt_then_mac", 22},
	{"extended_master_secret", 23},
	{"token_binding", 24},
	{"compress_certificate", 27},
	{"record_size_limit", 28},
	{"delegated_credential", 34}, {"delegated_credentials", 34},
	{"session_ticket", 35},
	{"pre_shared_key", 41},
	{"early_data", 42},
	{"supported_versions", 43},
	{"cookie", 44},
	{"psk_key_exchange_modes", 45},
	{"certificate_authorities", 47},
	{"post_handshake_auth", 49},
	{"signature_algorithms_cert", 50},
	{"key_share", 51},
	{"quic_transport_parameters", 57},
	{"next_protocol_negotiation", 13172},
	{"application_settings_old", 17513},
	{"application_settings", 17613}, {"application_settings_new", 17613},
	{"channel_id", 30032},
	{"trust_anchors", 51764},
	{"encrypted_client_hello", 65037}, {"ech", 65037},
	{"renegotiation_info", 65281},
	{"GREASE", GREASE},
}

// nameFault checks Name against ID.
func (e Extension) nameFault() *FieldError {
	if e.Name == "" {
		return nil
	}
	i := slices.IndexFunc(extensionNames, func(n struct {
		name string
		id   Code
	}) bool {
		return n.name == e.Name
	})
	switch {
	case i < 0:
		return fault("name", "%q is no extension's name", e.Name)
	case extensionNames[i].id != e.ID:
		return fault("name", "%q is extension %s, not %s", e.Name, decimal(extensionNames[i].id), decimal(e.ID))
	}
	return nil
}

// decimal writes an extension's number as IANA's registry does.
func decimal(c Code) string {
	if c == GREASE {
		return "GREASE"
	}
	return fmt.Sprint(uint16(c))
}

// index is the path of an element.
func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// ExtensionName returns the IANA name of an extension type, "" if it is not known.
func (c Code) ExtensionName() string {
	for _, e := range extensionNames {
		if e.id == c {
			return e.name
		}
	}
	return ""
}
