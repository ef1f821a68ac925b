package fingerprint

// limited reports whether the place is for some requests only.
func (f *Field) limited() bool { return f.When != Always || len(f.For) > 0 }

// holds reports whether a place is for this request.
func (w *headWriter) holds(f *Field) bool {
	if !chosen(f.For, w.r.Variant) {
		return false
	}
	switch f.When {
	case Always:
		return true
	case UserActivation:
		return w.r.UserActivation
	case WithBody:
		return w.r.ContentLength != 0 || wantsContent(w.r.Method)
	case WithContent:
		return w.r.ContentLength != 0
	case Direct:
		return !w.r.Redirected
	case Redirected:
		return w.r.Redirected
	case CrossRedirected:
		return w.r.Redirected && w.r.Site != "same-origin"
	case WithRange:
		f := w.find("range")
		return f != nil && len(f.values) > 0
	case StorageAccess:
		return w.r.Site == "cross-site" && w.r.Destination != Document && w.credentials() == "include"
	case Submitted:
		return w.r.Submitted || wantsContent(w.r.Method)
	}
	return false
}

// credentials is the request's credentials mode: what the request says, or else
// what an element without a crossorigin attribute has, or fetch().
func (w *headWriter) credentials() string {
	if w.r.Credentials != "" {
		return w.r.Credentials
	}
	mode := w.r.Mode
	for i := range w.list.Fields {
		f := &w.list.Fields[i]
		if mode == "" && same(f.Name, "sec-fetch-mode") && chosen(f.For, w.r.Variant) {
			mode = f.Value
		}
	}
	if mode == "navigate" || mode == "no-cors" && w.r.Destination != Empty {
		return "include"
	}
	return "same-origin"
}
