package main

import (
	"encoding/hex"
	"strconv"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// inserted is what River reports of one insert.
type inserted struct {
	Job                      row  `json:"job"`
	UniqueSkippedAsDuplicate bool `json:"uniqueSkippedAsDuplicate"`
}

// row is a job's row as River reports it: JSON columns as text, times as RFC
// 3339 in UTC, the id as digits, the unique key in hexadecimal.
type row struct {
	ID           string               `json:"id"`
	Attempt      int                  `json:"attempt"`
	AttemptedAt  *moment              `json:"attemptedAt"`
	AttemptedBy  []string             `json:"attemptedBy"`
	CreatedAt    moment               `json:"createdAt"`
	EncodedArgs  string               `json:"encodedArgs"`
	ErrorCount   int                  `json:"errorCount"`
	FinalizedAt  *moment              `json:"finalizedAt"`
	Kind         string               `json:"kind"`
	MaxAttempts  int                  `json:"maxAttempts"`
	Metadata     string               `json:"metadata"`
	Priority     int                  `json:"priority"`
	Queue        string               `json:"queue"`
	ScheduledAt  moment               `json:"scheduledAt"`
	State        rivertype.JobState   `json:"state"`
	Tags         []string             `json:"tags"`
	UniqueKey    *string              `json:"uniqueKey"`
	UniqueStates []rivertype.JobState `json:"uniqueStates"`
}

func insertedFrom(result *rivertype.JobInsertResult) inserted {
	return inserted{
		Job:                      rowFrom(result.Job),
		UniqueSkippedAsDuplicate: result.UniqueSkippedAsDuplicate,
	}
}

func rowFrom(job *rivertype.JobRow) row {
	return row{
		ID:           strconv.FormatInt(job.ID, 10),
		Attempt:      job.Attempt,
		AttemptedAt:  momentOf(job.AttemptedAt),
		AttemptedBy:  job.AttemptedBy,
		CreatedAt:    moment(job.CreatedAt),
		EncodedArgs:  string(job.EncodedArgs),
		ErrorCount:   len(job.Errors),
		FinalizedAt:  momentOf(job.FinalizedAt),
		Kind:         job.Kind,
		MaxAttempts:  job.MaxAttempts,
		Metadata:     string(job.Metadata),
		Priority:     job.Priority,
		Queue:        job.Queue,
		ScheduledAt:  moment(job.ScheduledAt),
		State:        job.State,
		Tags:         job.Tags,
		UniqueKey:    hexadecimal(job.UniqueKey),
		UniqueStates: job.UniqueStates,
	}
}

// moment is a time as RFC 3339 in UTC, also in years of more than four digits,
// which time.Time refuses to put in JSON.
type moment time.Time

func (m moment) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(m).UTC().Format(time.RFC3339Nano) + `"`), nil
}

func momentOf(at *time.Time) *moment {
	return (*moment)(at)
}

func hexadecimal(key []byte) *string {
	if key == nil {
		return nil
	}
	text := hex.EncodeToString(key)
	return &text
}
