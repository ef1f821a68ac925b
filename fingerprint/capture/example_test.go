package capture_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"

	"github.com/mien-http/mien/fingerprint/capture"
)

// A recorded browser becomes a profile, which then holds to the recording.
func ExampleImport() {
	recording, err := zip.OpenReader("testdata/firefox-153.zip") // or os.DirFS of a folder
	if err != nil {
		fmt.Println(err)
		return
	}
	defer recording.Close()
	c, err := capture.Read(recording)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := capture.Import(c, capture.Options{Version: "153.7.0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Name, p.Digests.JA4)
	fmt.Println(len(capture.DiffCapture(p, c)), "differences")
	file, err := capture.Format(p) // for fingerprint.Load
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(json.Valid(file))
	// Output:
	// firefox-153-linux t13d1617h2_86a278354501_3cbfd9057e0d
	// 0 differences
	// true
}
