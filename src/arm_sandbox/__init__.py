"""An Azure Resource Manager in the process, in virtual time: a ground to test Azure tools on.

    async def main(world):
        transport, credential = SandboxTransport(world), SandboxCredential(world)
        client = ResourceManagementClient(credential, next(iter(world.subscriptions)), transport=transport)
        ...
    run(main(world), start=world.now)

It is written from Azure's documentation and recorded traffic and knows nothing of any client.
"""
