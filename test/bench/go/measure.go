package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// limits of a measurement: as in measure.mjs.
type limits struct {
	Callers int     `json:"callers"`
	Seconds float64 `json:"seconds"`
	Limit   int64   `json:"limit"`
}

type figures struct {
	// Latencies are milliseconds of each call.
	Latencies []float64 `json:"latencies"`
	ElapsedMs float64   `json:"elapsedMs"`
	Jobs      int       `json:"jobs"`
}

// measure calls again and again, each caller one call after the other, and
// takes the time of each call.
func measure(call func() error, to limits) (figures, error) {
	callers := max(to.Callers, 1)
	latencies := make([][]float64, callers)
	errs := make([]error, callers)

	var begun atomic.Int64
	var done sync.WaitGroup
	start := time.Now()
	end := start.Add(time.Duration(to.Seconds * float64(time.Second)))

	for caller := range callers {
		done.Go(func() {
			asked := time.Now()
			for to.Seconds == 0 || asked.Before(end) {
				if number := begun.Add(1); to.Limit != 0 && number > to.Limit {
					return
				}
				if errs[caller] = call(); errs[caller] != nil {
					return
				}
				answered := time.Now()
				latencies[caller] = append(latencies[caller], milliseconds(answered.Sub(asked)))
				asked = answered
			}
		})
	}
	done.Wait()

	result := figures{Latencies: []float64{}, ElapsedMs: milliseconds(time.Since(start))}
	for caller := range callers {
		if errs[caller] != nil {
			return result, errs[caller]
		}
		result.Latencies = append(result.Latencies, latencies[caller]...)
	}
	return result, nil
}

func milliseconds(d time.Duration) float64 {
	return float64(d) / float64(time.Millisecond)
}
