"""The real code over a simulated NFS: one virtual time, one seed, every fault that we can think of.

The rule: what runs is the product, down to the system call.  Simulated are only the kernel (files, processes, clocks)
and the world around it; `schedule.run(plan)` plays one schedule and says which promise was broken.

    virtual    time, and processes that take turns
    server     the file server's tree: atomic, and stamped at its own ticks
    mount      one client's caches: what it believes of that tree
    calls      the system calls of the simulated kernel, and the faults that befall them
    node       a machine: its clock, its processes, `dsgspool.proc` as it looks from there
    workers    the real guard and the real worker on such a machine
    people     submitters, operators, people with mv, cp and rm
    world      what was accepted, what runs, and what must hold
    plan       what happens in a schedule, drawn from a seed or by Hypothesis
    schedule   plays a plan
    findings   what a real NFS client was seen to do; the simulated one must do the same (tests/nfs runs it for real)
"""
