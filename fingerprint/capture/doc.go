// Package capture turns recordings of a browser into a profile, and says how two
// looks on the wire differ.
//
// # Recordings
//
// A recording is a folder, read by [Read]: ClientHellos as raw TLS records in
// clienthello/*.bin, and one folder for each run of the browser with the requests
// it sent (requests.jsonl, or kinds/*.json) and the frames (events.jsonl). The
// path of a request names its kind: /k/xhr-post-json.
//
// [Import] learns a [fingerprint.Profile] from it. What never varies in the
// samples is fixed; what varies must be one of the fields of [RandomFields], or
// Import refuses the recording. A kind of request that the browser never sent is
// named in Profile.Absent.
//
// # Differences
//
// [DiffProfiles] compares two profiles, [DiffCapture] a profile with a recording:
// field by field, each in a sentence. What a browser draws at random is compared
// by what it is drawn from.
//
// The package uses the standard library only and opens no connection.
package capture
