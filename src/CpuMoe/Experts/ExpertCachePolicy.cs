using System.Diagnostics;
using System.Numerics.Tensors;

namespace CpuMoe.Experts;

/// <summary>
/// Decides which expert lies in which slot of a cache, and which one makes room for another. Moves no bytes and allocates
/// nothing after construction except in <see cref="Resize"/>. Not safe for concurrent use.
/// </summary>
/// <remarks>
/// The victim is the expert with the lowest score that nobody leases: a short-lived count of its uses (halved with each
/// token) plus a long-lived one (losing 1/128 with each token). The first knows that an expert is likely to be used by
/// the next token again, the second which experts the text at hand prefers; LRU knows the first only, LFU the second,
/// and both lose where the cache is smaller than a few tokens. Counts outlive eviction: an expert that returns is known.
/// Both are decayed once for as many uses as a token makes. This is LRFU (Lee et al., LRFU: A Spectrum of Policies that
/// Subsumes the LRU and LFU Policies, IEEE ToC 50(12), 2001) with the sum of two decays instead of one.
/// <para>
/// A scan (prefill, preloading) is a use that counts nothing: what it finds stays where it is, what it brings in takes
/// the slots that are free and then the place of the least wanted, which is soon what it brought in before.
/// </para>
/// <para>
/// Order within a layer: touch and lease all experts that are resident, then admit and lease the missing ones, or they
/// evict each other.
/// </para>
/// </remarks>
internal sealed class ExpertCachePolicy
{
    private const int None = -1;
    private const int Use = 1 << 16;

    // By simulation on recorded and synthetic traces. A use counts for the next token as much as 16 of long ago.
    private const int RecentUse = 16 * Use;
    private const int FrequentDecayShift = 7;

    // Neither count exceeds it, so that their sum is below Leased.
    private const int MaxCount = 1 << 29;
    private const int Leased = int.MaxValue;

    private readonly int _usesPerToken;
    private readonly int[] _recent;
    private readonly int[] _frequent;
    private readonly int[] _slotOf;

    // By slot. The scores lie together for a vectorised search; a leased or empty slot has a score that none falls below.
    private int[] _keyOf;
    private int[] _score;
    private int[] _leases;
    private int[] _free;
    private int _freeCount;
    private int _uses;

    /// <summary>An empty cache.</summary>
    /// <param name="keys">Keys are 0 to <paramref name="keys"/> - 1: layer * experts + expert.</param>
    /// <param name="capacity">Slots, 1 or more.</param>
    /// <param name="usesPerToken">Experts that one decoded token uses over all layers, 1 or more.</param>
    public ExpertCachePolicy(int keys, int capacity, int usesPerToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keys, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(usesPerToken, 1);
        _usesPerToken = usesPerToken;
        _recent = new int[keys];
        _frequent = new int[keys];
        _slotOf = new int[keys];
        Array.Fill(_slotOf, None);
        _keyOf = [];
        _score = [];
        _leases = [];
        _free = [];
        Resize(capacity);
    }

    /// <summary>The slots that may be used: 0 to <see cref="Capacity"/> - 1.</summary>
    public int Capacity { get; private set; }

    /// <summary>The experts that are resident.</summary>
    public int Count { get; private set; }

    /// <summary>The slot of an expert, or -1.</summary>
    public int SlotOf(int key) => _slotOf[key];

    /// <summary>Whether a slot is leased.</summary>
    public bool IsLeased(int slot) => _leases[slot] > 0;

    /// <summary>Whether a slot is free, or holds an expert that nobody leases and only scans have asked for.</summary>
    public bool HasSpare => _freeCount > 0 || TensorPrimitives.Min<int>(_score.AsSpan(0, Capacity)) == 0;

    /// <summary>Counts a use of an expert if it is resident; returns whether it is.</summary>
    /// <param name="key">The expert.</param>
    /// <param name="scan">Whether the use says nothing about later ones.</param>
    public bool Touch(int key, bool scan)
    {
        if (_slotOf[key] == None)
        {
            return false;
        }

        CountUse(key, scan);
        return true;
    }

    /// <summary>Gives a missing expert a slot and counts the use.</summary>
    /// <param name="key">The expert, not resident.</param>
    /// <param name="scan">Whether the use says nothing about later ones.</param>
    /// <param name="evictedKey">The expert that had the slot before, or -1.</param>
    /// <returns>The slot, not leased; -1, and nothing is changed, where all slots are leased.</returns>
    public int Admit(int key, bool scan, out int evictedKey)
    {
        if (_slotOf[key] != None)
        {
            throw new InvalidOperationException($"Expert {key} is resident already.");
        }

        evictedKey = None;
        int slot;
        if (_freeCount > 0)
        {
            slot = _free[--_freeCount];
        }
        else
        {
            slot = TensorPrimitives.IndexOfMin<int>(_score.AsSpan(0, Capacity));
            if (_score[slot] == Leased)
            {
                return None;
            }

            evictedKey = _keyOf[slot];
            Forget(slot);
        }

        _keyOf[slot] = key;
        _slotOf[key] = slot;
        _score[slot] = Score(key);
        Count++;
        CountUse(key, scan);
        return slot;
    }

    /// <summary>Protects a slot from eviction until it is released as often as it was leased.</summary>
    public void Lease(int slot)
    {
        _leases[slot]++;
        _score[slot] = Leased;
    }

    /// <summary>Gives a lease back.</summary>
    public void Release(int slot)
    {
        if (_leases[slot] == 0)
        {
            throw new InvalidOperationException($"Slot {slot} is not leased.");
        }

        if (--_leases[slot] > 0)
        {
            return;
        }

        if (slot >= Capacity && _keyOf[slot] != None)
        {
            Forget(slot);
        }

        if (_keyOf[slot] != None)
        {
            _score[slot] = Score(_keyOf[slot]);
        }
        else if (slot < Capacity)
        {
            _free[_freeCount++] = slot;
        }
    }

    /// <summary>Makes an expert absent, as when it could not be read; a leased slot becomes free with its last lease.</summary>
    /// <returns>Whether it was resident.</returns>
    public bool Remove(int key)
    {
        int slot = _slotOf[key];
        if (slot == None)
        {
            return false;
        }

        Forget(slot);
        if (_leases[slot] == 0 && slot < Capacity)
        {
            _free[_freeCount++] = slot;
        }

        return true;
    }

    /// <summary>
    /// Changes the number of slots. The experts of slots beyond it are evicted, those of leased slots with their last
    /// lease (until then <see cref="IsLeased"/> is true, and the memory must stay).
    /// </summary>
    /// <param name="capacity">Slots, 1 or more.</param>
    public void Resize(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        int known = _keyOf.Length;
        if (capacity > known)
        {
            Array.Resize(ref _keyOf, capacity);
            Array.Resize(ref _score, capacity);
            Array.Resize(ref _leases, capacity);
            Array.Resize(ref _free, capacity);
            Array.Fill(_keyOf, None, known, capacity - known);
            Array.Fill(_score, Leased, known, capacity - known);
        }

        Capacity = capacity;
        for (int slot = capacity; slot < _keyOf.Length; slot++)
        {
            if (_leases[slot] == 0 && _keyOf[slot] != None)
            {
                Forget(slot);
            }
        }

        // The lowest free slot is taken first.
        _freeCount = 0;
        for (int slot = capacity - 1; slot >= 0; slot--)
        {
            if (_leases[slot] == 0 && _keyOf[slot] == None)
            {
                _free[_freeCount++] = slot;
            }
        }
    }

    /// <summary>The experts that were used, resident or not, the most wanted first: what to preload next time.</summary>
    public int[] Hottest() => [.. Enumerable.Range(0, _slotOf.Length).Where(key => Score(key) > 0).OrderByDescending(Score)];

    /// <summary>
    /// Ranks experts that were not used yet, each above those that follow and all below any that is used from now on:
    /// what the last run found <see cref="Hottest"/>, before it is admitted as a scan.
    /// </summary>
    public void Rank(ReadOnlySpan<int> hottest)
    {
        for (int rank = 0; rank < hottest.Length; rank++)
        {
            int key = hottest[rank];
            _frequent[key] = Math.Max(_frequent[key], Math.Max(1, Use / 2 - rank));
            if (_slotOf[key] is >= 0 and int slot)
            {
                Rescore(slot);
            }
        }
    }

    private int Score(int key) => _recent[key] + _frequent[key];

    private void Rescore(int slot)
    {
        if (_leases[slot] == 0)
        {
            _score[slot] = Score(_keyOf[slot]);
        }
    }

    private void CountUse(int key, bool scan)
    {
        if (scan)
        {
            return;
        }

        if (++_uses == _usesPerToken)
        {
            _uses = 0;
            Age();
        }

        _recent[key] = Math.Min(_recent[key] + RecentUse, MaxCount);
        _frequent[key] = Math.Min(_frequent[key] + Use, MaxCount);
        Rescore(_slotOf[key]);
    }

    private void Age()
    {
        for (int key = 0; key < _recent.Length; key++)
        {
            _recent[key] >>= 1;
            _frequent[key] -= _frequent[key] >> FrequentDecayShift;
        }

        for (int slot = 0; slot < Capacity; slot++)
        {
            if (_keyOf[slot] != None)
            {
                Rescore(slot);
            }
        }
    }

    private void Forget(int slot)
    {
        Debug.Assert(_keyOf[slot] != None);
        _slotOf[_keyOf[slot]] = None;
        _keyOf[slot] = None;
        _score[slot] = Leased;
        Count--;
    }
}
