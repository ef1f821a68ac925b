package fingerprint

import "strconv"

// Brands returns the value of Sec-CH-UA for a Chromium of the given major
// version: the brand, "Chromium", and a made-up third brand in the order, spelling
// and version that Chromium draws from the major version alone
// (GenerateBrandVersionList, since Chromium 105). The brand "" or "Chromium" gives
// the two-entry list of an unbranded build. A negative major counts as 0.
func Brands(brand string, major int) string {
	major = max(major, 0)
	version := strconv.Itoa(major)
	made := madeUpBrand(major)
	if brand == "" || brand == "Chromium" {
		// Two entries: the parity of the version says which comes first.
		real := entry("Chromium", version)
		if major%2 == 0 {
			return made + ", " + real
		}
		return real + ", " + made
	}
	// The place of the made-up brand, of Chromium and of the brand.
	orders := [6][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	order := orders[major%6]
	var list [3]string
	list[order[0]] = made
	list[order[1]] = entry("Chromium", version)
	list[order[2]] = entry(brand, version)
	return list[0] + ", " + list[1] + ", " + list[2]
}

// madeUpBrand is the entry that keeps servers from relying on a fixed list.
func madeUpBrand(seed int) string {
	punctuation := [11]string{" ", "(", ":", "-", ".", "/", ")", ";", "=", "?", "_"}
	versions := [3]string{"8", "99", "24"}
	name := "Not" + punctuation[seed%11] + "A" + punctuation[(seed+1)%11] + "Brand"
	return entry(name, versions[seed%3])
}

func entry(name, version string) string {
	return `"` + name + `";v="` + version + `"`
}
