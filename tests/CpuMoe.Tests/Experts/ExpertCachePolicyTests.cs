using CpuMoe.Experts;

namespace CpuMoe.Tests.Experts;

/// <summary>The eviction policy against a slow reference, and the promises it makes.</summary>
public class ExpertCachePolicyTests
{
    [Theory]
    [InlineData(1, 10, 1, 1)]
    [InlineData(2, 40, 7, 5)]
    [InlineData(3, 40, 20, 12)]
    [InlineData(4, 200, 90, 24)]
    public void DoesWhatTheReferenceDoes(int seed, int keys, int capacity, int usesPerToken)
    {
        Random random = new(seed);
        ExpertCachePolicy policy = new(keys, capacity, usesPerToken);
        Reference reference = new(keys, capacity, usesPerToken);
        int evictions = 0, refusals = 0;
        for (int step = 0; step < 20_000; step++)
        {
            // Squared: some keys are popular.
            int key = (int)(keys * random.NextDouble() * random.NextDouble());
            bool scan = random.Next(4) == 0;
            switch (random.Next(20))
            {
                case 0:
                    Assert.Equal(reference.Remove(key), policy.Remove(key));
                    break;
                case 1 when random.Next(50) == 0:
                    int size = random.Next(1, (2 * capacity) + 1);
                    reference.Resize(size);
                    policy.Resize(size);
                    break;
                case < 5 when policy.SlotOf(key) is >= 0 and int slot:
                    policy.Lease(slot);
                    reference.Leases.Add(slot);
                    break;
                case < 9 when reference.Leases.Count > 0:
                    int leased = reference.Leases[random.Next(reference.Leases.Count)];
                    policy.Release(leased);
                    reference.Release(leased);
                    break;
                default:
                    bool hit = reference.SlotOf.ContainsKey(key);
                    Assert.Equal(hit, policy.Touch(key, scan));
                    if (hit)
                    {
                        reference.Count(key, scan);
                    }
                    else
                    {
                        int slot = policy.Admit(key, scan, out int evicted);
                        reference.CheckAdmitted(key, scan, slot, evicted);
                        evictions += evicted >= 0 ? 1 : 0;
                        refusals += slot < 0 ? 1 : 0;
                    }

                    break;
            }

            Assert.Equal(reference.SlotOf.Count, policy.Count);
            for (int k = 0; k < keys; k++)
            {
                Assert.Equal(reference.SlotOf.GetValueOrDefault(k, -1), policy.SlotOf(k));
            }
        }

        Assert.True(evictions > 500 && refusals > 10, $"{evictions} evictions and {refusals} refusals test little.");
    }

    [Fact]
    public void FreeSlotsComeFirstInOrder()
    {
        ExpertCachePolicy policy = new(10, 4, 2);
        for (int key = 0; key < 4; key++)
        {
            Assert.Equal(key, policy.Admit(key, scan: key % 2 == 0, out int evicted));
            Assert.Equal(-1, evicted);
        }

        Assert.True(policy.Remove(2));
        Assert.False(policy.Remove(2));
        Assert.Equal(2, policy.Admit(9, scan: false, out _));
        Assert.Equal(2, policy.SlotOf(9));
        Assert.Throws<InvalidOperationException>(() => policy.Admit(9, scan: false, out _));
    }

    [Fact]
    public void AScanKeepsWhatDecodeUses()
    {
        const int Keys = 1000, Capacity = 100, Hot = 99;
        ExpertCachePolicy policy = new(Keys, Capacity, usesPerToken: 33);
        for (int round = 0; round < 5; round++)
        {
            Use(policy, 0, Hot, scan: false);
        }

        for (int round = 0; round < 3; round++)
        {
            Use(policy, 0, Keys, scan: true);
        }

        Assert.All(Enumerable.Range(0, Hot), key => Assert.NotEqual(-1, policy.SlotOf(key)));
    }

    [Fact]
    public void AnExpertComesBackKnown()
    {
        // 0 was used often, then 1 once, then 5 for ten tokens. Of 0 and 1, both of which left, 0 is wanted more.
        ExpertCachePolicy policy = new(10, 2, usesPerToken: 1);
        for (int i = 0; i < 100; i++)
        {
            Use(policy, 0, 1, scan: false);
        }

        policy.Remove(0);
        policy.Admit(1, scan: false, out _);
        policy.Remove(1);
        for (int i = 0; i < 10; i++)
        {
            policy.Admit(5, scan: false, out _);
            policy.Remove(5);
        }

        policy.Admit(0, scan: true, out _);
        policy.Admit(1, scan: true, out _);
        policy.Admit(2, scan: false, out int evicted);

        Assert.Equal(1, evicted);
    }

    [Fact]
    public void LeasedSlotsStayAndWhereAllAreLeasedNothingChanges()
    {
        ExpertCachePolicy policy = new(10, 2, 2);
        int first = policy.Admit(0, scan: false, out _), second = policy.Admit(1, scan: false, out _);
        policy.Lease(first);
        policy.Lease(second);
        policy.Lease(second);

        Assert.Equal(-1, policy.Admit(2, scan: false, out int evicted));
        Assert.Equal(-1, evicted);
        Assert.True(policy.SlotOf(0) >= 0 && policy.SlotOf(1) >= 0 && policy.SlotOf(2) < 0);
        policy.Release(second);
        Assert.Equal(-1, policy.Admit(2, scan: false, out _));
        policy.Release(second);
        Assert.Equal(second, policy.Admit(2, scan: false, out evicted));
        Assert.Equal(1, evicted);
        Assert.Throws<InvalidOperationException>(() => policy.Release(second));
    }

    [Fact]
    public void ARemovedExpertsSlotIsFreeWithItsLastLease()
    {
        ExpertCachePolicy policy = new(10, 1, 1);
        int slot = policy.Admit(0, scan: false, out _);
        policy.Lease(slot);
        Assert.True(policy.Remove(0));

        Assert.Equal(-1, policy.Admit(1, scan: false, out _));
        policy.Release(slot);
        Assert.Equal(slot, policy.Admit(1, scan: false, out int evicted));
        Assert.Equal(-1, evicted);
    }

    [Fact]
    public void AShrunkCacheGivesUpItsLastSlotsWhenTheyAreReleased()
    {
        ExpertCachePolicy policy = new(10, 4, 4);
        Use(policy, 0, 4, scan: false);
        policy.Lease(3);
        policy.Resize(2);

        Assert.Equal((2, 3), (policy.Capacity, policy.Count));
        Assert.True(policy.SlotOf(3) == 3 && policy.IsLeased(3) && policy.SlotOf(2) < 0);
        policy.Release(3);
        Assert.Equal(-1, policy.SlotOf(3));
        policy.Resize(3);
        Assert.Equal(2, policy.Admit(9, scan: false, out _));
    }

    [Fact]
    public void TheHottestOfOneRunStartTheNextAndYieldToWhatItUses()
    {
        ExpertCachePolicy last = new(100, 10, usesPerToken: 1000);
        for (int round = 0; round < 20; round++)
        {
            Use(last, 0, 1 + (round / 2), scan: false);
        }

        int[] hottest = last.Hottest();
        Assert.Equal(Enumerable.Range(0, 10), hottest);

        ExpertCachePolicy next = new(100, 10, 4);
        next.Rank(hottest);
        foreach (int key in hottest)
        {
            next.Admit(key, scan: true, out _);
        }

        foreach (int expected in (int[])[9, 8, 7])
        {
            next.Admit(90 + expected, scan: false, out int evicted);
            Assert.Equal(expected, evicted);
        }
    }

    [Fact]
    public void NothingIsAllocatedPerOperation()
    {
        ExpertCachePolicy policy = new(500, 100, 24);
        Use(policy, 0, 500, scan: false);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 20; round++)
        {
            Use(policy, 0, 500, scan: round % 2 == 0);
            policy.Lease(5);
            policy.Release(5);
            policy.Resize(50);
            policy.Resize(100);
            int first = 0;
            while (policy.SlotOf(first) < 0)
            {
                first++;
            }

            policy.Remove(first);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void CountsDoNotOverflow()
    {
        // Whatever is used, the scores stay below that of a leased slot and above 0.
        ExpertCachePolicy policy = new(3, 2, usesPerToken: 1_000_000);
        policy.Admit(0, scan: false, out _);
        policy.Admit(1, scan: false, out _);
        for (int i = 0; i < 100_000; i++)
        {
            policy.Touch(0, scan: false);
        }

        policy.Admit(2, scan: false, out int evicted);
        Assert.Equal(1, evicted);
        Assert.Equal(0, policy.Hottest()[0]);
    }

    [Fact]
    public void NonsenseIsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExpertCachePolicy(0, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExpertCachePolicy(1, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExpertCachePolicy(1, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ExpertCachePolicy(1, 1, 1).Resize(0));
    }

    private static void Use(ExpertCachePolicy policy, int first, int count, bool scan)
    {
        for (int key = first; key < first + count; key++)
        {
            if (!policy.Touch(key, scan))
            {
                policy.Admit(key, scan, out _);
            }
        }
    }

    /// <summary>The policy as its documentation says it, with lists and searches.</summary>
    private sealed class Reference(int keys, int capacity, int usesPerToken)
    {
        private readonly int[] _recent = new int[keys];
        private readonly int[] _frequent = new int[keys];
        private int _capacity = capacity;
        private int _uses;

        public Dictionary<int, int> SlotOf { get; } = [];

        public List<int> Leases { get; } = [];

        public void Count(int key, bool scan)
        {
            if (scan)
            {
                return;
            }

            if (++_uses % usesPerToken == 0)
            {
                for (int k = 0; k < keys; k++)
                {
                    _recent[k] /= 2;
                    _frequent[k] -= _frequent[k] / 128;
                }
            }

            _recent[key] += 16 * 65536;
            _frequent[key] += 65536;
        }

        public bool Remove(int key) => SlotOf.Remove(key);

        public void Release(int slot)
        {
            Leases.Remove(slot);
            Retire();
        }

        public void Resize(int size)
        {
            _capacity = size;
            Retire();
        }

        public void CheckAdmitted(int key, bool scan, int slot, int evicted)
        {
            int[] usable = [.. Enumerable.Range(0, _capacity).Where(s => !Leases.Contains(s))];
            if (usable.Length == 0)
            {
                Assert.Equal((-1, -1), (slot, evicted));
                return;
            }

            Assert.Contains(slot, usable);
            if (usable.Except(SlotOf.Values).Any())
            {
                Assert.DoesNotContain(slot, SlotOf.Values);
                Assert.Equal(-1, evicted);
            }
            else
            {
                int[] candidates = [.. SlotOf.Keys.Where(k => usable.Contains(SlotOf[k]))];
                Assert.Contains(evicted, candidates);
                Assert.Equal(slot, SlotOf[evicted]);
                Assert.Equal(candidates.Min(Score), Score(evicted));
                SlotOf.Remove(evicted);
            }

            SlotOf[key] = slot;
            Count(key, scan);
        }

        private int Score(int key) => _recent[key] + _frequent[key];

        private void Retire()
        {
            foreach (int key in SlotOf.Keys.Where(k => SlotOf[k] >= _capacity && !Leases.Contains(SlotOf[k])).ToArray())
            {
                SlotOf.Remove(key);
            }
        }
    }
}
