//! Groups what arrives at the same time into one statement: while one batch is under way, the next one gathers.

use std::future::Future;

use tokio::sync::{mpsc, oneshot};

/// The largest group.
const MAX: usize = 512;

/// Takes items one by one and works on them in groups.
pub(crate) struct Batcher<T, R> {
    sender: mpsc::Sender<(T, oneshot::Sender<R>)>,
}

impl<T: Send + 'static, R: Send + 'static> Batcher<T, R> {
    /// Starts the worker of the groups. `work` answers every item, in order.
    pub(crate) fn start<F, Fut>(work: F) -> Self
    where
        F: Fn(Vec<T>) -> Fut + Send + 'static,
        Fut: Future<Output = Vec<R>> + Send,
    {
        let (sender, mut receiver) = mpsc::channel::<(T, oneshot::Sender<R>)>(MAX);
        #[expect(
            clippy::disallowed_methods,
            reason = "the group's worker lives as long as its owner, which drops the sender"
        )]
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(MAX);
            while receiver.recv_many(&mut group, MAX).await > 0 {
                // Whoever is about to submit, does so first.
                tokio::task::yield_now().await;
                while group.len() < MAX
                    && let Ok(item) = receiver.try_recv()
                {
                    group.push(item);
                }
                let (items, replies): (Vec<T>, Vec<_>) = group.drain(..).unzip();
                for (answer, reply) in work(items).await.into_iter().zip(replies) {
                    // Whoever asked may have been stopped meanwhile; the answer is theirs to lose.
                    drop(reply.send(answer));
                }
            }
        });
        Self { sender }
    }

    /// Waits for the answer to one item; `None` when the work failed or has stopped.
    pub(crate) async fn submit(&self, item: T) -> Option<R> {
        let (reply, answer) = oneshot::channel();
        self.sender.send((item, reply)).await.ok()?;
        answer.await.ok()
    }
}
