package main

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
)

// dailyReportArgs name the day, as in 2026-11-21.
type dailyReportArgs struct {
	Day string `json:"day"`
}

func (dailyReportArgs) Kind() string { return "daily_report" }

type dailyReportOutput struct {
	Day     string `json:"day"`
	Weekday string `json:"weekday"`
}

// workDailyReport gives up on a day that is none: no retry could help.
func workDailyReport(ctx context.Context, job *river.Job[dailyReportArgs]) error {
	day, err := time.Parse(time.DateOnly, job.Args.Day)
	if err != nil {
		return river.JobCancel(fmt.Errorf("day: %w", err))
	}

	weekday := day.Weekday().String()
	return report(ctx, job.JobRow, dailyReportOutput{job.Args.Day, weekday}, job.Args.Day+", a "+weekday)
}
