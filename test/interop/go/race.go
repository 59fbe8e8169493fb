package main

import (
	"context"
	"sync"
	"time"

	"github.com/riverqueue/river"
)

type raceRequest struct {
	envelope
	target
	Job   job `json:"job"`
	Count int `json:"count"`
	// StartAtUnixMs is the moment of the start, in the past for at once.
	StartAtUnixMs float64 `json:"startAtUnixMs"`
}

// raceEntry is how one racer fared.
type raceEntry struct {
	ID                       string `json:"id"`
	UniqueSkippedAsDuplicate bool   `json:"uniqueSkippedAsDuplicate"`
	Error                    string `json:"error,omitempty"`
	SQLState                 string `json:"sqlState,omitempty"`
}

type raceResult struct {
	Results []raceEntry `json:"results"`
}

// race inserts the same job count times at one moment, on a connection each
// as far as the pool reaches.
func race(ctx context.Context, s *session, request raceRequest) (any, error) {
	to, err := s.inserter(ctx, request.envelope, request.target, "")
	if err != nil {
		return nil, err
	}
	items, err := insertManyParams([]job{request.Job})
	if err != nil {
		return nil, err
	}

	var (
		entries = make([]raceEntry, request.Count)
		start   = make(chan struct{})
		racers  sync.WaitGroup
	)
	for i := range entries {
		racers.Go(func() {
			<-start
			entries[i] = to.run(ctx, items[0])
		})
	}

	time.Sleep(time.Until(time.UnixMicro(int64(request.StartAtUnixMs * 1000))))
	close(start)
	racers.Wait()

	return raceResult{entries}, nil
}

func (i inserter) run(ctx context.Context, item river.InsertManyParams) raceEntry {
	result, err := i.insertOne(ctx, item)
	if err != nil {
		text, sqlState := describe(err)
		return raceEntry{Error: text, SQLState: sqlState}
	}

	report := insertedFrom(result)
	return raceEntry{ID: report.Job.ID, UniqueSkippedAsDuplicate: report.UniqueSkippedAsDuplicate}
}
