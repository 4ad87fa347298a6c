// Few numbers out of many.

export function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted.length === 0 ? NaN : (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** The smallest of the values that the given part of them does not exceed (nearest rank, as CpuMoe has it). */
export function percentile(values, percent) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted.length === 0 ? NaN : sorted[Math.max(0, Math.ceil(sorted.length * percent / 100) - 1)];
}

export function summary(values) {
    return {median: median(values), min: Math.min(...values), max: Math.max(...values), all: values};
}
