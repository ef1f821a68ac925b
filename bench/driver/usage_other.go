//go:build !unix

package driver

import "time"

func cpuTime() time.Duration { return 0 }

func rss() (now, peak int64) { return 0, 0 }
