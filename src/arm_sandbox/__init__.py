"""An Azure Resource Manager in the process, in virtual time: a ground to test Azure tools on.

    async def main(world):
        transport, credential = SandboxTransport(world), SandboxCredential(world)
        subscription = next(iter(world.subscriptions))
        client = ResourceManagementClient(credential, subscription, transport=transport)
        ...
    run(main(world), start=world.now)

It is written from Azure's documentation and recorded traffic and knows nothing of any client.
"""
