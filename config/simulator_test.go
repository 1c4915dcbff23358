package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKeysWinOverTheProfile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, simulator string
		// what differs from the costs of 8b-h100.
		change func(*StageSimulator)
	}{
		{"the profile alone", `{"profile":"8b-h100"}`, func(*StageSimulator) {}},
		{"a key", `{"profile":"8b-h100","maxNumSeqs":3,"kvCacheTransferLatency":"0s"}`, func(s *StageSimulator) {
			s.MaxNumSeqs, s.KVCacheTransferLatency = new(int32(3)), duration(0)
		}},
		{"a share of the prompt's costs", `{"profile":"8b-h100","prefillTimePerToken":"1ms"}`, func(s *StageSimulator) {
			s.PrefillTimePerToken = duration(time.Millisecond)
		}},
		{"a constant for the prompt", `{"profile":"8b-h100","timeToFirstToken":"1s"}`, func(s *StageSimulator) {
			s.TimeToFirstToken = duration(time.Second)
			s.PrefillOverhead, s.PrefillTimePerToken, s.PrefillTimeStdDev = duration(0), duration(0), duration(0)
		}},
		{"no constant for the prompt", `{"profile":"8b-h100","timeToFirstToken":"0s"}`, func(*StageSimulator) {}},
		{"a latency without its deviation", `{"profile":"8b-h100","interTokenLatency":"1ms"}`, func(s *StageSimulator) {
			s.InterTokenLatency, s.InterTokenLatencyStdDev = duration(time.Millisecond), duration(0)
		}},
		{"a deviation", `{"profile":"8b-h100","interTokenLatencyStdDev":"3600us"}`, func(s *StageSimulator) {
			s.InterTokenLatencyStdDev = duration(3600 * time.Microsecond)
		}},
	} {
		s, err := load(map[string]string{"simulator": test.simulator})
		require.NoError(t, err, test.name)
		want := (&Spec{}).simulatorOf(StageSimulator{Profile: "8b-h100"})
		test.change(&want)
		require.Equal(t, want, s.DecodeStage().Simulator, test.name)
	}
}

func TestKeysInPlaceOfFlagsExist(t *testing.T) {
	t.Parallel()
	// null means not set, but the key has to be known.
	unset := func(key string) string {
		value := "null"
		for _, part := range slices.Backward(strings.Split(key, ".")) {
			value = fmt.Sprintf("{%q:%s}", part, value)
		}
		return value
	}
	for _, key := range stageFlags {
		_, err := load(map[string]string{"decode": unset("simulator." + key), "simulator": unset(key)})
		require.NoError(t, err, key)
	}
	for _, key := range simulatorFlags {
		_, err := load(map[string]string{"simulator": unset(key)})
		require.NoError(t, err, key)
		_, err = load(map[string]string{"decode": unset("simulator." + key)})
		require.Error(t, err, "decode.simulator.%s: move it to stageFlags", key)
	}
}

func TestStagesOverrideTheSharedSimulator(t *testing.T) {
	t.Parallel()
	s, err := load(map[string]string{
		"simulator": `{"profile":"8b-h100","timeToFirstToken":"1s","maxNumSeqs":3,"kvCache":{"enabled":true,"blocks":64},"failures":{"types":["rate_limit"]}}`,
		"prefill":   `{"enabled":true,"simulator":{"profile":"70b-8xh100","maxNumSeqs":2}}`,
		"decode":    `{"enabled":true,"simulator":{"interTokenLatency":"20ms","kvCache":{"enabled":false},"failures":{"rate":5}}}`,
	})
	require.NoError(t, err)

	prefill := s.PrefillStage().Simulator
	want := (&Spec{}).simulatorOf(StageSimulator{Profile: "70b-8xh100"})
	want.MaxNumSeqs, want.Failures.Types = new(int32(2)), []FailureType{"rate_limit"}
	want.KVCache = StageKVCache{Enabled: new(true), Blocks: new(int32(64))}
	require.Equal(t, want, prefill, "the stage's profile takes the place of timeToFirstToken")

	decode := s.DecodeStage().Simulator
	require.Equal(t, time.Second, decode.TimeToFirstToken.Duration)
	require.Equal(t, 20*time.Millisecond, decode.InterTokenLatency.Duration)
	require.Zero(t, decode.InterTokenLatencyStdDev.Duration)
	require.EqualValues(t, 3, *decode.MaxNumSeqs)
	require.InDelta(t, 2, *decode.TimeFactorUnderLoad, 0, "the profile's")
	require.False(t, *decode.KVCache.Enabled)
	require.EqualValues(t, 5, *decode.Failures.Rate)
	require.Equal(t, []FailureType{"rate_limit"}, decode.Failures.Types)
	require.True(t, s.KVCache())
	require.Equal(t, prefill, s.Resolved().Prefill.Simulator)
	require.Equal(t, decode, s.Resolved().Decode.Simulator)
	require.Nil(t, s.Prefill.Simulator.InterTokenLatency, "the Spec itself is unchanged")
}

// TestProfiles compares the profiles with the sanity check of upstream's document, which has a range
// for the time to the first token of 256.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for profile, within := range map[Profile][2]time.Duration{
		"8b-h100":    {60 * time.Millisecond, 120 * time.Millisecond},
		"70b-8xh100": {150 * time.Millisecond, 250 * time.Millisecond},
		"3b-l40s":    {80 * time.Millisecond, 130 * time.Millisecond},
	} {
		s := (&Spec{}).simulatorOf(StageSimulator{Profile: profile})
		prefill := s.PrefillOverhead.Duration + 256*s.PrefillTimePerToken.Duration
		require.GreaterOrEqual(t, prefill, within[0], profile)
		require.LessOrEqual(t, prefill, within[1], profile)
	}
	require.Len(t, profiles, 3)
}
